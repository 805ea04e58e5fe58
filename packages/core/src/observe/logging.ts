import type { Envelope } from '../contract/envelope.ts'
import { shorten } from '../errors/contract-error.ts'
import { withDefaults } from '../internal/with-defaults.ts'
import { nameError, redactorOf, redactorOfAll } from './describe-error.ts'
import {
  DEFAULT_LEVELS,
  type Logging,
  type LogLevel,
  type LogLevels,
  type Write,
} from './log-levels.ts'
import { logSubscriptions } from './log-subscriptions.ts'
import { ownFailureLog } from './log-owner.ts'
import { loggableError } from './loggable-error.ts'
import type { LogFields, Logger } from './logger.ts'
import type { CommandFact, FailedLateFact, HandledFact, Observations } from './observations.ts'
import { disposeAll, invalid, requireFunctions, requireObservations } from './options.ts'
import { redactEvent, type SensitiveOf } from './redact.ts'
import { textLogger } from './text-logger.ts'

export interface LogOptions {
  readonly levels?: LogLevels
  /** Whether entries carry the payload of their event, without its sensitive fields; false by default. */
  readonly payloads?: boolean
  /** The sensitive fields of each type; `sensitiveIn(app.registry)`. Needed where `payloads` is true. */
  readonly sensitiveOf?: SensitiveOf
}

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error', 'off']

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
  if (writers.failed !== undefined)
    attached.push(
      ownFailureLog(observations),
      observations.failedLate.observe((fact) => logFailedLate(fact, logging)),
    )
  if (writers.failed !== undefined || writers.handled !== undefined)
    attached.push(observations.handled.observe((fact) => logHandled(fact, logging)))
  if (writers.commandFailed !== undefined || writers.command !== undefined)
    attached.push(observations.command.observe((fact) => logCommand(fact, logging)))
  attached.push(...logSubscriptions(observations, logging))
  return { [Symbol.dispose]: () => disposeAll(attached) }
}

function logHandled(
  fact: HandledFact,
  { writers, sensitiveOf, eventFields: fields }: Logging,
): void {
  const { event, handler, handlerId, durationMs, failed, error } = fact
  // Put together only where it is written: what is sensitive is searched for.
  if ((failed ? writers.failed : writers.handled) === undefined) return
  const facts = { ...fields(event), handler, handlerId, durationMs }
  if (!failed) return writers.handled?.(facts, `${handler} handled ${event.eventType}`)
  // A subscription's failure is told with what is done about it.
  if (fact.subscription !== undefined) return
  const err = loggableError(error, redactorOf(event, sensitiveOf))
  writers.failed?.(
    { ...facts, err },
    `handler '${handler}' failed on ${event.eventType} ${event.eventId}`,
  )
}

function logFailedLate(
  { handler, handlerId, events, error }: FailedLateFact,
  { writers, sensitiveOf, eventFields: fields }: Logging,
): void {
  const [first] = events
  const about =
    first === undefined
      ? 'while closing'
      : `later than ${events.length === 1 ? '' : `${events.length} events, of which `}${first.eventType} ${first.eventId}${events.length === 1 ? '' : ' is the first'}`
  const err = loggableError(error, redactorOfAll(events, sensitiveOf))
  writers.failed?.(
    { ...(first && fields(first)), events: events.length, handler, handlerId, err },
    `handler '${handler}' failed ${about}`,
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

function eventFields(event: Envelope, payloads: boolean, sensitiveOf: SensitiveOf): LogFields {
  const { eventType, eventId, aggregateType, aggregateId, correlationId, causationId } = event
  return {
    eventType,
    eventId,
    aggregateType,
    // It may be a sensitive field of the payload.
    aggregateId: redactorOf(event, sensitiveOf)(aggregateId),
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
  return (fields, message) => {
    try {
      const answer: unknown = logger[level]?.(fields, message)
      if (answer instanceof Promise)
        answer.catch((error: unknown) => writeUnlogged(error, fields, message))
    } catch (error) {
      writeUnlogged(error, fields, message)
    }
  }
}

/** What a logger could not take must not vanish with it: nobody else writes that a handler failed. */
function writeUnlogged(error: unknown, fields: LogFields, message: string): void {
  const { name, message: why } = nameError(error)
  textLogger().error(fields, `the logger failed (${name}: ${why}) to take: ${message}`)
}
