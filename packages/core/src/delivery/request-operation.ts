import type { JsonObject } from '../contract/json.ts'
import type { Registry } from '../contract/registry.ts'
import { NothingParkedError, OperationError } from '../errors/operation-errors.ts'
import { UsageError } from '../errors/usage-errors.ts'
import type { Clock } from '../internal/clock.ts'
import { isUuid, type IdSource } from '../internal/ids.ts'
import { toIsoTime } from '../internal/time.ts'
import type { OperationRecord } from '../store/operation-store.ts'
import type { ParkedState } from '../store/parked-store.ts'
import type { Store } from '../store/store.ts'
import { editCheck } from './check-edit.ts'
import type { StartFrom } from './define-subscription.ts'
import { requireSubscription } from './describe-subscription.ts'
import type { MoveRequest } from './move-parked.ts'
import type { ParkedChoice, RedriveQuestion } from './plan-redrive.ts'
import { startPosition } from './start-position.ts'

interface Asked {
  readonly subscription: string
  /** Who asks: a person or program. */
  readonly by: string
  /** Why. */
  readonly reason?: string | undefined
  /** A UUID. The same one again is the same operation; a new one by default. */
  readonly operationId?: string | undefined
}

/** It handles nothing more until it is resumed; and again. */
export interface PauseRequest extends Asked {
  readonly kind: 'pause' | 'resume'
}

/** Begins the next generation, there; what is parked becomes history. */
export interface ResetRequest extends Asked {
  readonly kind: 'reset'
  readonly to: StartFrom
}

/** Has parked events handled again, in order within their keys. */
export interface RedriveRequest extends Asked {
  readonly kind: 'redrive'
  /** All that is parked, without. */
  readonly filter?: ParkedChoice | undefined
  /** Events a second; as fast as it goes by default. */
  readonly rate?: number | undefined
  /** Payloads that take the place of the originals, by the id of the parked event. */
  readonly edits?: Readonly<Record<string, unknown>> | undefined
  /** Also what was redriven as often as it may be. */
  readonly force?: boolean | undefined
}

/** Sets parked events aside for good; they stay to be looked at. */
export interface DiscardRequest extends Asked {
  readonly kind: 'discard'
  readonly filter?: ParkedChoice | undefined
  readonly reason: string
}

/** What can be asked of a subscription. */
export type OperationRequest = PauseRequest | ResetRequest | RedriveRequest | DiscardRequest

/** What a request needs beside the store. */
export interface RequestPorts {
  readonly clock: Clock
  readonly ids: IdSource
  /** The contracts that edited payloads are checked by; those declared in the log, without. */
  readonly registry: Pick<Registry, 'event'> | undefined
}

/**
 * Stores a request, checked, for the owner of the subscription to carry out.
 *
 * @returns the operation; the one that is there already, where its id came before
 * @throws {UnknownSubscriptionError} with the nearest names
 * @throws {NothingParkedError} nothing fits what is to be redriven or discarded
 * @throws {ContractError} an edited payload breaks its contract
 * @throws {OperationError} the id was used for another request
 * @throws {UsageError} a position beyond the log, a missing reason or name, a rate that is none
 */
export async function requestOperation(
  store: Store,
  request: OperationRequest,
  ports: RequestPorts,
): Promise<OperationRecord> {
  requireAsker(request)
  const known = await findKnown(store, request)
  if (known !== undefined) return known
  const { generation } = await requireSubscription(store, request.subscription)
  const { kind, subscription, by, reason = '' } = request
  const nowMs = ports.clock.now()
  const operationId = request.operationId?.toLowerCase() ?? ports.ids.newId(nowMs)
  await store.operations.request({
    operationId,
    kind,
    subscription,
    request: await toStored(store, request, { ...ports, generation }),
    requestedBy: by.trim(),
    reason: reason.trim(),
    requestedAt: toIsoTime(nowMs),
    state: 'requested',
    startedAt: undefined,
    finishedAt: undefined,
    progress: {},
    result: undefined,
    error: undefined,
    cancelledBy: undefined,
    cancelReason: undefined,
  })
  return requireOperation(store, operationId)
}

/** @throws {OperationError} there is none */
export async function requireOperation(
  store: Pick<Store, 'operations'>,
  operationId: string,
): Promise<OperationRecord> {
  const operation = await store.operations.find(operationId.toLowerCase())
  if (operation !== undefined) return operation
  throw new OperationError('TIDINGS_OPERATION_UNKNOWN', operationId)
}

function requireAsker({ kind, by, reason, operationId }: OperationRequest): void {
  if (by.trim() === '') throw refusal(`Whoever asks for an operation says who it is; 'by' is empty`)
  if (kind === 'discard' && (reason ?? '').trim() === '') {
    throw refusal("Whoever discards events says why; 'reason' is empty")
  }
  if (operationId !== undefined && !isUuid(operationId)) {
    throw refusal(`The id of an operation is a UUID; got '${operationId}'`)
  }
}

function refusal(rule: string): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${rule}. Nothing was changed. Correct the call.`,
  )
}

/** Looked at before anything else: what was redriven by it is no longer there to be found. */
async function findKnown(
  store: Store,
  request: OperationRequest,
): Promise<OperationRecord | undefined> {
  if (request.operationId === undefined) return undefined
  const known = await store.operations.find(request.operationId.toLowerCase())
  if (known === undefined) return undefined
  const { matched: _, position: __, ...asked } = known.request
  const isSame =
    known.kind === request.kind &&
    known.subscription === request.subscription &&
    JSON.stringify(asked) === JSON.stringify(wordsOf(request))
  if (isSame) return known
  throw new OperationError('TIDINGS_OPERATION_ID_CONFLICT', known.operationId)
}

/** What was asked, in the words of whoever asked, without what does not count. */
function wordsOf(request: OperationRequest): JsonObject {
  switch (request.kind) {
    case 'reset':
      return asJson({ to: request.to })
    case 'redrive': {
      const { filter = {}, rate, edits = {}, force } = request
      const texts = Object.entries(edits).map(
        ([id, payload]) => [id.toLowerCase(), JSON.stringify(payload)] as const,
      )
      const move: MoveRequest = {
        filter,
        ...(rate === undefined ? undefined : { rate }),
        ...(texts.length === 0 ? undefined : { edits: Object.fromEntries(texts) }),
        ...(force === true ? { force } : undefined),
      }
      return asJson(move)
    }
    case 'discard':
      return asJson({ filter: request.filter ?? {} })
    default:
      return {}
  }
}

/** As it comes back from a store: without what is undefined. */
function asJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}

async function toStored(
  store: Store,
  request: OperationRequest,
  ports: RequestPorts & { readonly generation: number },
): Promise<JsonObject> {
  const words = wordsOf(request)
  switch (request.kind) {
    case 'reset':
      return { ...words, position: await startPosition(store, request.to) }
    case 'redrive':
    case 'discard': {
      const matched = await requireParked(store, request, ports.generation)
      if (request.kind === 'redrive') await checkRedrive(store, request, ports)
      return { ...words, matched }
    }
    default:
      return words
  }
}

/** @returns how many fit */
async function requireParked(
  store: Store,
  { subscription, filter }: RedriveRequest | DiscardRequest,
  generation: number,
): Promise<number> {
  const count = (states: readonly ParkedState[]): Promise<number> =>
    store.parked.count({ ...filter, subscription, generation, states })
  const matched = await count(['parked'])
  if (matched > 0) return matched
  const redriving = await count(['redriving'])
  const finished = await count(['resolved', 'discarded'])
  const all = await store.parked.count({ ...filter, subscription })
  const earlier = all - redriving - finished
  throw new NothingParkedError(subscription, { redriving, finished, earlier })
}

/** What a redrive would refuse of its edits. @throws {ContractError} {UsageError} {UnknownSubscriptionError} */
export async function checkEdits(
  store: Store,
  { subscription, filter, edits }: RedriveQuestion,
  registry: RequestPorts['registry'],
): Promise<void> {
  if (edits === undefined) return
  const { generation } = await requireSubscription(store, subscription)
  await checkRedrive(store, { subscription, filter, edits }, { generation, registry })
}

async function checkRedrive(
  store: Store,
  request: Pick<RedriveRequest, 'rate' | 'edits' | 'filter' | 'subscription'>,
  { generation, registry }: Pick<RequestPorts, 'registry'> & { readonly generation: number },
): Promise<void> {
  const { rate, edits = {}, filter, subscription } = request
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0)) {
    throw refusal(`The rate is a number of events a second above 0; got ${rate}`)
  }
  const ids = Object.keys(edits).map((id) => id.toLowerCase())
  if (ids.length === 0) return
  const check = await editCheck(store, registry)
  const wanted = filter?.ids === undefined ? ids : ids.filter((id) => filter.ids?.includes(id))
  const found = await store.parked.list({
    ...filter,
    subscription,
    generation,
    states: ['parked'],
    ids: wanted,
  })
  const types = new Map(found.map(({ parkedId, eventType }) => [parkedId, eventType]))
  for (const [id, payload] of Object.entries(edits)) {
    const eventType = types.get(id.toLowerCase())
    if (eventType === undefined) {
      throw refusal(`A payload is edited for an event that is redriven; ${id} is none of them`)
    }
    check(eventType, payload)
  }
}
