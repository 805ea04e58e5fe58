import type { AnyPart } from '../contract/define-module.ts'
import type { AnyEventDefinition } from '../contract/definition.ts'
import type { Envelope, StoredEnvelope } from '../contract/envelope.ts'
import { DefinitionError } from '../errors/usage-errors.ts'
import type { Duration } from '../internal/duration.ts'
import { parseIsoTime } from '../internal/time.ts'
import type { StoreTransaction } from '../store/store.ts'
import type { BatchContext, DeliveryContext } from './delivery-context.ts'
import { MOST_SHARDS } from './shards.ts'
import {
  readRetryPolicy,
  requireDuration,
  type RetryPlan,
  type RetryPolicy,
} from './retry-policy.ts'

/** A contract, or a glob over the types that the application knows. */
export type SubscribedTo = AnyEventDefinition | string

/** The events that a choice brings. */
export type SubscribedEvent<Chosen> = Chosen extends AnyEventDefinition
  ? Chosen['~event']
  : Chosen extends string
    ? Envelope
    : never

/**
 * Where a subscription that was never there begins: at the beginning of the log, at its end, behind a
 * position, or with what was recorded from a time on (ISO 8601).
 */
export type StartFrom = 'beginning' | 'end' | number | { readonly time: string }

export interface SubscriptionOptions<E extends Envelope> {
  readonly from?: StartFrom
  /** Only these of its events; the others count as handled. */
  readonly filter?: (event: E) => boolean
  /** What keeps the order among themselves; the key that the event was recorded with by default, and with shards. */
  readonly key?: (event: E) => string
  /** `key`, the default: in order within a key. `all`: one after the other. `none`: in no order. */
  readonly order?: 'key' | 'none' | 'all'
  /** Handlers at the same time; 10 by default. With shards: in each of them. */
  readonly concurrency?: number
  /**
   * Parts that the keys are divided into, by a hash, for several processes to share; 1 by default, 64 at
   * the most. Each has an owner of its own, and reads the log for itself. Another number needs a reset.
   */
  readonly shards?: number
  /** After which an attempt has failed and its signal is aborted; `1m` by default, `Infinity` for never. */
  readonly timeout?: Duration
  /** Events begun per second, at the most; no limit by default. Those of a batch or group are begun together. */
  readonly rate?: number
  readonly retry?: RetryPolicy
  /**
   * `database`: everything that the handler does goes through `ctx.tx`. Then up to 512 events share a
   * transaction; of those whose handlers fail each runs again by itself, and the others once more together.
   */
  readonly effects?: 'database' | 'anywhere'
  /** What is done about an event that does not fit its contract; `park` by default. */
  readonly unreadable?: 'park' | 'skip' | 'stop'
  /** Parked events at which the subscription pauses; 10,000 by default, 1,000 of one key. */
  readonly maxParked?: number
  readonly maxParkedOfKey?: number
  /** Keys that must fail one after the other, none succeeding between, to call it an outage; 5 by default. */
  readonly outageAfter?: number
  /** Events read and not handled yet, at the most; 1,000 by default. */
  readonly buffer?: number
}

interface SingleHandler<E extends Envelope, Tx extends StoreTransaction> {
  readonly handle: (event: E, ctx: DeliveryContext<Tx>) => unknown
}

interface BatchHandler<E extends Envelope, Tx extends StoreTransaction> {
  /** One batch at a time, in order of position. One that fails is halved until the culprit stands alone. */
  readonly handleBatch: (events: readonly E[], ctx: BatchContext<Tx>) => unknown
  /** `size` 100 and `age` 1 s by default; the age counts from the first event on. */
  readonly batch?: { readonly size?: number; readonly age?: Duration }
}

/** Higher ones begin first, among those that are read and wait; order within a key stays. */
export interface EventPriorities {
  readonly of: (event: StoredEnvelope) => number
  /** An event rises by one priority for each of these milliseconds since it was recorded; Infinity: never. */
  readonly agingMs: number
}

/** What a subscription is made of, checked. */
export interface SubscriptionPlan {
  readonly events: readonly SubscribedTo[]
  readonly from: StartFrom
  readonly filter: ((event: Envelope) => boolean) | undefined
  readonly key: ((event: Envelope) => string) | undefined
  readonly order: 'key' | 'none' | 'all'
  readonly concurrency: number
  readonly shards: number
  readonly timeoutMs: number
  readonly rate: number
  readonly retry: RetryPlan
  readonly effects: 'database' | 'anywhere'
  readonly unreadable: 'park' | 'skip' | 'stop'
  readonly maxParked: number
  readonly maxParkedOfKey: number
  readonly outageAfter: number
  readonly buffer: number
  readonly handle: ((event: Envelope, ctx: DeliveryContext) => unknown) | undefined
  readonly handleBatch: ((events: readonly Envelope[], ctx: BatchContext) => unknown) | undefined
  readonly batchSize: number
  readonly batchAgeMs: number
  /** What begins first among those that wait; undefined: what came first. */
  readonly priorities: EventPriorities | undefined
  /** Events are handed over as they are stored, whether their contracts are known or not. */
  readonly readsRaw: boolean
}

export interface AnySubscription extends AnyPart {
  readonly kind: 'subscription'
  readonly name: string
  readonly plan: SubscriptionPlan
}

/** A durable subscription: part of a module, run by the application. */
export interface Subscription<
  Name extends string,
  Tx extends StoreTransaction,
> extends AnySubscription {
  readonly name: Name
  readonly '~tx': Tx
}

/**
 * Handles events of the log, each at least once, in order within its key, whatever happens to the
 * process in between; what the handler does through `ctx.tx` is done exactly once.
 *
 * The name is what its progress is kept under: under another name it begins anew.
 *
 * @throws {DefinitionError} an option that cannot be
 */
export function defineSubscription<
  const Name extends string,
  const Chosen extends SubscribedTo,
  Tx extends StoreTransaction = StoreTransaction,
>(
  name: Name,
  options: { readonly events: Chosen | readonly Chosen[] } & SubscriptionOptions<
    SubscribedEvent<Chosen>
  > &
    (SingleHandler<SubscribedEvent<Chosen>, Tx> | BatchHandler<SubscribedEvent<Chosen>, Tx>),
): Subscription<Name, Tx> {
  requireName(name)
  const plan = readPlan(name, options as unknown as RawOptions)
  return Object.freeze({ kind: 'subscription', name, plan }) as unknown as Subscription<Name, Tx>
}

type RawOptions = {
  readonly events: SubscribedTo | readonly SubscribedTo[]
} & SubscriptionOptions<Envelope> &
  Partial<SingleHandler<Envelope, StoreTransaction> & BatchHandler<Envelope, StoreTransaction>>

/** @throws {DefinitionError} */
export function requireName(name: string): void {
  if (/^[a-z0-9][a-z0-9._-]{0,99}$/i.test(name)) return
  throw new DefinitionError(
    name,
    "the name of a subscription is 1 to 100 letters, digits, '.', '_' and '-', and begins with a letter or digit",
  )
}

function readPlan(name: string, options: RawOptions): SubscriptionPlan {
  const whole = (option: keyof RawOptions, fallback: number): number =>
    requireCount(name, option, (options[option] as number | undefined) ?? fallback)
  const { timeout = 60_000, rate = Number.POSITIVE_INFINITY, batch = {} } = options
  if (!(rate > 0)) throw new DefinitionError(name, `'rate' is a number above 0; got ${rate}`)
  return Object.freeze({
    events: readEvents(name, options.events),
    from: readFrom(name, options.from ?? 'beginning'),
    filter: requireFunction(name, 'filter', options.filter),
    key: requireFunction(name, 'key', options.key),
    order: oneOf(name, 'order', options.order ?? 'key', ['key', 'none', 'all']),
    concurrency: whole('concurrency', 10),
    shards: readShards(name, options),
    timeoutMs: readTimeout(name, timeout),
    rate,
    retry: readRetryPolicy(name, options.retry),
    effects: oneOf(name, 'effects', options.effects ?? 'anywhere', ['anywhere', 'database']),
    unreadable: oneOf(name, 'unreadable', options.unreadable ?? 'park', ['park', 'skip', 'stop']),
    maxParked: whole('maxParked', 10_000),
    maxParkedOfKey: whole('maxParkedOfKey', 1000),
    outageAfter: whole('outageAfter', 5),
    buffer: whole('buffer', 1000),
    ...readHandlers(name, options),
    batchSize: requireCount(name, 'batch.size', batch.size ?? 100),
    batchAgeMs: requireDuration(name, 'batch.age', batch.age ?? 1000),
    priorities: undefined,
    readsRaw: false,
  })
}

/** A position that the log has not reached is found out when it begins. */
function readFrom(name: string, from: StartFrom): StartFrom {
  if (from === 'beginning' || from === 'end') return from
  if (typeof from === 'number' && Number.isSafeInteger(from) && from >= 0) return from
  const time = (from as { readonly time?: unknown } | null)?.time
  if (typeof time === 'string' && parseIsoTime(time) !== undefined) return from
  throw new DefinitionError(
    name,
    `'from' is 'beginning', 'end', a position from 0 up, or { time } in ISO 8601 with offset, for example 2026-11-28T09:00:00Z; got ${JSON.stringify(from)}`,
  )
}

function requireFunction<Given>(name: string, option: string, given: Given): Given {
  if (given === undefined || typeof given === 'function') return given
  throw new DefinitionError(name, `'${option}' is a function; got ${typeof given}`)
}

function readTimeout(name: string, timeout: Duration): number {
  if (timeout === Number.POSITIVE_INFINITY) return timeout
  const ms = requireDuration(name, 'timeout', timeout)
  if (ms > 0) return ms
  throw new DefinitionError(
    name,
    "'timeout' is longer than 0, in which nothing can be handled, or Infinity for none",
  )
}

function readShards(name: string, { shards = 1, order, key }: RawOptions): number {
  if (!Number.isSafeInteger(shards) || shards < 1 || shards > MOST_SHARDS) {
    throw new DefinitionError(
      name,
      `'shards' is a whole number from 1 to ${MOST_SHARDS}; got ${shards}`,
    )
  }
  if (shards === 1) return shards
  if (key !== undefined) {
    // Two processes of a rolling deployment would each take what only one can read for the other's.
    throw new DefinitionError(
      name,
      `with 'shards' the key that an event was recorded with says whose it is, since not every process can read every event; got 'shards: ${shards}' and a 'key' of the subscription's own. Give the event its key in its contract, or leave out one of the two`,
    )
  }
  if (order !== 'all') return shards
  throw new DefinitionError(
    name,
    `with 'order: all' one event follows the other, and 'shards' are handled at the same time; got 'shards: ${shards}'. Leave out one of the two`,
  )
}

function readEvents(name: string, events: RawOptions['events']): readonly SubscribedTo[] {
  const chosen = Array.isArray(events)
    ? (events as readonly SubscribedTo[])
    : [events as SubscribedTo]
  const isChoice = (one: unknown): boolean =>
    (typeof one === 'string' && one !== '') ||
    ['event', 'task'].includes((one as { kind?: string } | undefined)?.kind ?? '')
  if (chosen.length > 0 && chosen.every(isChoice)) return Object.freeze([...chosen])
  throw new DefinitionError(name, "'events' is an event, a task, a glob, or a list of them")
}

function readHandlers(
  name: string,
  { handle, handleBatch }: RawOptions,
): Pick<SubscriptionPlan, 'handle' | 'handleBatch'> {
  const given = [handle, handleBatch].filter((handler) => handler !== undefined)
  if (given.length === 1 && typeof given[0] === 'function') return { handle, handleBatch }
  throw new DefinitionError(
    name,
    "give it 'handle' or 'handleBatch', a function, and one of the two",
  )
}

function requireCount(name: string, option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new DefinitionError(name, `'${option}' is a whole number from 1 up; got ${value}`)
}

function oneOf<Value extends string>(
  name: string,
  option: string,
  value: Value,
  allowed: readonly Value[],
): Value {
  if (allowed.includes(value)) return value
  throw new DefinitionError(
    name,
    `'${option}' is one of ${allowed.map((one) => `'${one}'`).join(', ')}; got ${value}`,
  )
}
