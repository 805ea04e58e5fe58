import type { Envelope } from '../contract/envelope.ts'
import { shorten } from '../errors/contract-error.ts'
import { withDefaults } from '../internal/with-defaults.ts'
import { nameError, redactorOf, type Redact } from './describe-error.ts'
import { ownFailureLog } from './log-owner.ts'
import type { LogFields, LoggableError, Logger } from './logger.ts'
import type { CommandFact, HandledFact, Observations } from './observations.ts'
import { disposeAll, invalid, requireFunctions, requireObservations } from './options.ts'
import { redactEvent, type SensitiveOf } from './redact.ts'
import { textLogger } from './text-logger.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'off'

/** What is logged, and how loud. An entry per event costs 2 to 3 µs: those are off by default. */
export interface LogLevels {
  /** A handler failed; `error` by default. */
  readonly failed?: LogLevel
  /** A command failed; its caller is told too: `off` by default. */
  readonly commandFailed?: LogLevel
  /** A full queue refused or threw out an event; `warn` by default. */
  readonly dropped?: LogLevel
  /** An event went to nobody; `off` by default. */
  readonly unhandled?: LogLevel
  /** An event was published; `off` by default. */
  readonly published?: LogLevel
  /** A handler came to a good end; `off` by default. */
  readonly handled?: LogLevel
  /** A command came to a good end; `off` by default. */
  readonly command?: LogLevel
}

export interface LogOptions {
  readonly levels?: LogLevels
  /** Whether entries carry the payload of their event, without its sensitive fields; false by default. */
  readonly payloads?: boolean
  /** The sensitive fields of each type; `sensitiveIn(app.registry)`. Needed where `payloads` is true. */
  readonly sensitiveOf?: SensitiveOf
}

const DEFAULT_LEVELS: Required<LogLevels> = {
  failed: 'error',
  commandFailed: 'off',
  dropped: 'warn',
  unhandled: 'off',
  published: 'off',
  handled: 'off',
  command: 'off',
}

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error', 'off']

type Write = (fields: LogFields, message: string) => void

/**
 * Writes what is observed to a logger (standard error by default), one entry each. A failed handler is
 * then no longer written by the default `onFailure` as well.
 *
 * Sensitive values are replaced in payloads, messages and stacks: those of events as `sensitiveOf` says,
 * those of commands as their contracts do.
 *
 * @throws {UsageError} a level that there is not, or that the logger cannot write; `payloads` without
 *   `sensitiveOf`
 */
export function logTo(
  observations: Observations,
  logger: Logger = textLogger(),
  options: LogOptions = {},
): Disposable {
  requireObservations(observations)
  const levels = withDefaults(DEFAULT_LEVELS, options.levels ?? {})
  if (options.payloads === true && options.sensitiveOf === undefined)
    throw invalid(
      "With 'payloads', 'sensitiveOf' says which fields to hide (sensitiveIn(app.registry)).",
    )
  const sensitiveOf: SensitiveOf = options.sensitiveOf ?? (() => [])
  requireFunctions({ sensitiveOf })
  const writers = Object.fromEntries(
    Object.entries(levels).map(([what, level]) => [what, writerOf(logger, what, level)]),
  ) as Readonly<Record<keyof LogLevels, Write | undefined>>
  const logging: Logging = {
    writers,
    sensitiveOf,
    eventFields: (event) => eventFields(event, options.payloads === true, sensitiveOf),
  }
  return attach(observations, logging)
}

interface Logging {
  readonly writers: Readonly<Record<keyof LogLevels, Write | undefined>>
  readonly sensitiveOf: SensitiveOf
  readonly eventFields: (event: Envelope) => LogFields
}

/** Only the points that something is written of are observed: the others go on costing nothing. */
function attach(observations: Observations, logging: Logging): Disposable {
  const { writers, eventFields: fields } = logging
  const { published, unhandled, dropped } = writers
  const attached: Disposable[] = []
  if (published !== undefined)
    attached.push(
      observations.published.observe(({ event, handlers }) =>
        published({ ...fields(event), handlers }, `${event.eventType} published`),
      ),
    )
  if (unhandled !== undefined)
    attached.push(
      observations.unhandled.observe(({ event }) =>
        unhandled(fields(event), `${event.eventType} went to nobody`),
      ),
    )
  if (dropped !== undefined)
    attached.push(
      observations.dropped.observe(({ event, policy, queueSize }) =>
        dropped(
          { ...fields(event), policy, queueSize },
          `${event.eventType} was dropped: the queue holds ${queueSize} (${policy})`,
        ),
      ),
    )
  if (writers.failed !== undefined) attached.push(ownFailureLog(observations))
  if (writers.failed !== undefined || writers.handled !== undefined)
    attached.push(observations.handled.observe((fact) => logHandled(fact, logging)))
  if (writers.commandFailed !== undefined || writers.command !== undefined)
    attached.push(observations.command.observe((fact) => logCommand(fact, logging)))
  return { [Symbol.dispose]: () => disposeAll(attached) }
}

function logHandled(
  fact: HandledFact,
  { writers, sensitiveOf, eventFields: fields }: Logging,
): void {
  const { event, handler, handlerId, durationMs, failed, error } = fact
  const facts = { ...fields(event), handler, handlerId, durationMs }
  if (!failed) return writers.handled?.(facts, `${handler} handled ${event.eventType}`)
  const err = loggableError(error, redactorOf(event, sensitiveOf))
  writers.failed?.(
    { ...facts, err },
    `handler '${handler}' failed on ${event.eventType} ${event.eventId}`,
  )
}

function logCommand(fact: CommandFact, { writers }: Logging): void {
  const { type, commandId, correlationId, durationMs, failed, error, redact } = fact
  const facts = { commandType: type, commandId, correlationId, durationMs }
  if (failed)
    writers.commandFailed?.(
      { ...facts, err: loggableError(error, redact) },
      `command ${type} ${commandId} failed`,
    )
  else writers.command?.(facts, `command ${type} done`)
}

/** Causes go in circles where somebody ties them so. */
const MAX_CAUSES = 5

/**
 * Under `err`, where pino and its like look; as plain members, because the text in it is redacted.
 * Without a prototype: pino takes an error's kind from its constructor, else from `name`.
 */
function loggableError(error: unknown, redact: Redact, depth = 0): LoggableError {
  const { name, message } = nameError(error)
  const loggable: { -readonly [Key in keyof LoggableError]: LoggableError[Key] } = {
    name: redact(name),
    message: redact(message),
  }
  Object.setPrototypeOf(loggable, null)
  if (!(error instanceof Error)) return loggable
  const { stack, cause, code } = error as Error & { readonly code?: unknown }
  if (stack !== undefined) loggable.stack = redact(stack)
  if (code !== undefined) loggable.code = typeof code === 'string' ? redact(code) : code
  if (cause !== undefined && depth < MAX_CAUSES)
    loggable.cause = loggableError(cause, redact, depth + 1)
  return loggable
}

function eventFields(event: Envelope, payloads: boolean, sensitiveOf: SensitiveOf): LogFields {
  const { eventType, eventId, aggregateType, aggregateId, correlationId, causationId } = event
  return {
    eventType,
    eventId,
    aggregateType,
    aggregateId,
    correlationId,
    ...(causationId === undefined ? {} : { causationId }),
    ...(payloads ? { payload: redactEvent(event, sensitiveOf(eventType)).payload } : {}),
  }
}

function writerOf(logger: Logger, what: string, level: LogLevel): Write | undefined {
  if (!(what in DEFAULT_LEVELS) || !LEVELS.includes(level))
    throw invalid(
      `'levels' says ${LEVELS.join(', ')} for ${Object.keys(DEFAULT_LEVELS).join(', ')}; got ${what}: ${shorten(level)}.`,
    )
  if (level === 'off') return undefined
  if (typeof logger[level] !== 'function')
    throw invalid(`The logger has no function '${level}', which is the level of '${what}'.`)
  return (fields, message) => logger[level]?.(fields, message)
}
