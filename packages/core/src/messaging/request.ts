import { hash } from 'node:crypto'
import type { AnyAggregate, DecideContext, Sent } from '../contract/define-aggregate.ts'
import type { AnyCommandDefinition, Draft } from '../contract/definition.ts'
import { streamName, type EventMetadata, type StoredEnvelope } from '../contract/envelope.ts'
import { findJsonFault } from '../contract/json.ts'
import { inheritMetadata } from '../contract/metadata.ts'
import { canonicalJson, parsePayload, touchesSensitive } from '../contract/payload.ts'
import { toCorrelationId } from '../contract/seal.ts'
import { ContractError, shorten } from '../errors/contract-error.ts'
import { UsageError } from '../errors/usage-errors.ts'
import type { Frame } from '../internal/flow.ts'
import { isUuid } from '../internal/ids.ts'
import { toIsoTime } from '../internal/time.ts'
import type { CommandOutcome, CommandRecord } from '../store/command-record.ts'
import type { Cause, Environment } from '../work/origin.ts'
import type { Handler } from './routes.ts'

export interface SendOptions {
  /**
   * UUID that makes the command idempotent: a second send of the same request answers with the first
   * outcome, success or failure.
   */
  readonly commandId?: string
  /** Rather than that of the code that sends; a text that is no UUID becomes its UUIDv5. */
  readonly correlationId?: string
  /** Who asks. */
  readonly actor?: string
  readonly tenant?: string
  /** Further metadata of the events. */
  readonly metadata?: EventMetadata
  readonly signal?: AbortSignal
}

/** A command on its way through its handler: checked, and with all that its effects will carry. */
export interface Request {
  readonly definition: AnyCommandDefinition
  readonly payload: unknown
  readonly commandId: string
  readonly requestHash: string
  readonly correlationId: string
  /** What sent it. */
  readonly causationId: string | undefined
  readonly metadata: EventMetadata | undefined
  readonly createdAt: string
  /** Which aggregate it is for; undefined for a handler without one. */
  readonly aggregateId: string | undefined
  readonly stream: string | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * @throws {ContractError} the input does not fit the command's contract
 * @throws {UsageError} a command id that is no UUID, an aggregate id that is no text
 */
export function makeRequest(
  definition: AnyCommandDefinition,
  input: unknown,
  from: {
    readonly options: SendOptions
    readonly frame: Frame | undefined
    readonly environment: Environment
    readonly handler: Handler
  },
): Request {
  const { options, frame, environment, handler } = from
  const payload = parseInput(definition, input)
  const nowMs = environment.clock.now()
  const commandId =
    options.commandId === undefined
      ? environment.ids.newId(nowMs)
      : requireCommandId(options.commandId)
  const correlation = options.correlationId ?? frame?.correlationId
  const aggregateId =
    handler.kind === 'aggregate' ? requireAggregateId(handler, payload) : undefined
  return {
    definition,
    payload,
    commandId,
    requestHash: hash('sha1', `${definition.type}\n${canonicalJson(payload)}`),
    // A command that nothing led to is the root of its trace, and gives the trace its id.
    correlationId: correlation === undefined ? commandId : toCorrelationId(correlation),
    causationId: frame?.eventId ?? frame?.commandId,
    metadata: inheritMetadata(frame?.metadata, environment.source, ownMetadata(options)),
    createdAt: toIsoTime(nowMs),
    aggregateId,
    stream:
      aggregateId === undefined
        ? undefined
        : streamName((handler as AnyAggregate).type, aggregateId),
    signal: options.signal,
  }
}

/** JSON, as an event's payload is: of a Date or a Map two different requests would have one hash. */
function parseInput(definition: AnyCommandDefinition, input: unknown): unknown {
  const payload = parsePayload(definition, input)
  const fault = findJsonFault(payload)
  if (fault === undefined) return payload
  const { pointer, expected } = fault
  const actual = touchesSensitive(definition.sensitive, pointer)
    ? '[sensitive]'
    : shorten(fault.actual)
  throw new ContractError(
    'TIDINGS_PAYLOAD_NOT_JSON',
    'the payload would not survive JSON unchanged.',
    {
      type: definition.type,
      issues: [{ pointer, expected, actual }],
      nextStep: 'Nothing was done. Say it as plain JSON: ISO text for a time, an array for a set.',
    },
  )
}

function ownMetadata({ metadata, actor, tenant }: SendOptions): EventMetadata | undefined {
  if (metadata === undefined && actor === undefined && tenant === undefined) return undefined
  return {
    ...metadata,
    ...(actor === undefined ? {} : { actor }),
    ...(tenant === undefined ? {} : { tenant }),
  }
}

function requireCommandId(commandId: string): string {
  if (isUuid(commandId)) return commandId.toLowerCase()
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `commandId must be a UUID, got ${shorten(commandId)}. Make one with newId(), or derive one from the request with nameId().`,
  )
}

function requireAggregateId(aggregate: AnyAggregate, payload: unknown): string {
  const id: unknown = aggregate.id(payload as never)
  if (typeof id === 'string' && id !== '' && findJsonFault(id) === undefined) return id
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `'${aggregate.type}': the 'id' function must answer with a text that is not empty, got ${shorten(id)}. Nothing was done.`,
  )
}

/** What the events of a request have in common: they are caused by the command. */
export function causeFrom(request: Request): Cause {
  return {
    correlationId: request.correlationId,
    causationId: request.commandId,
    metadata: request.metadata,
  }
}

/** The frame in which a request is handled. */
export function frameFrom(request: Request, outer: Frame | undefined): Frame {
  return {
    correlationId: request.correlationId,
    commandId: request.commandId,
    metadata: request.metadata,
    transaction: outer?.transaction,
  }
}

export function decideContextFrom(request: Request, { clock, ids }: Environment): DecideContext {
  return {
    newId: () => ids.newId(clock.now()),
    now: request.createdAt,
    commandId: request.commandId,
    correlationId: request.correlationId,
    actor: request.metadata?.actor,
    tenant: request.metadata?.tenant,
  }
}

/** A request as the log keeps it. The store fills in the positions. */
export function toCommandRecord(
  request: Request,
  outcome: CommandOutcome,
  facts: { readonly streamVersion?: number; readonly result?: string | undefined },
): CommandRecord {
  return {
    commandId: request.commandId,
    type: request.definition.type,
    correlationId: request.correlationId,
    causationId: request.causationId,
    actor: request.metadata?.actor,
    createdAt: request.createdAt,
    requestHash: request.requestHash,
    outcome,
    stream: request.stream,
    streamVersion: facts.streamVersion,
    firstPosition: undefined,
    lastPosition: undefined,
    result: facts.result,
  }
}

/**
 * A handler's result as JSON; `undefined` for none.
 *
 * @throws {ContractError} it would not survive JSON: then its repeat could not answer the same
 */
export function toResultJson(request: Request, result: unknown): string | undefined {
  if (result === undefined) return undefined
  const fault = findJsonFault(result)
  if (fault === undefined) return JSON.stringify(result)
  throw new ContractError('TIDINGS_PAYLOAD_NOT_JSON', "the handler's result cannot be kept.", {
    type: request.definition.type,
    issues: [{ pointer: fault.pointer, expected: fault.expected, actual: shorten(fault.actual) }],
    nextStep: 'Nothing was stored. Answer with plain JSON, or with nothing.',
  })
}

/** The drafts of a decision: one, several, or none. */
export function toDrafts(request: Request, decision: unknown): readonly Draft[] {
  const drafts: readonly unknown[] = Array.isArray(decision)
    ? (decision as readonly unknown[])
    : [decision]
  const wrong = drafts.find(
    (draft) => typeof (draft as Partial<Draft> | undefined)?.draftOf !== 'string',
  )
  if (drafts.length === 0 || (wrong === undefined && !drafts.includes(undefined)))
    return drafts as readonly Draft[]
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `'${request.definition.type}': 'decide' must answer with an event, several, or [] for none, got ${shorten(wrong)}. Is a 'return' missing? Nothing was stored.`,
  )
}

export function toSent(
  request: Request,
  facts: {
    readonly events: readonly StoredEnvelope[]
    readonly state: unknown
    readonly result: unknown
  },
): Sent<unknown, StoredEnvelope, unknown> {
  return {
    ...facts,
    position: facts.events.at(-1)?.position,
    commandId: request.commandId,
    correlationId: request.correlationId,
    repeated: false,
  }
}
