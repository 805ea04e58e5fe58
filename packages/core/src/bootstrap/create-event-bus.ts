import { Bus } from '../bus/bus.ts'
import type { CloseOptions } from '../bus/closing.ts'
import type { EventBus } from '../bus/event-bus.ts'
import type { QueueOptions } from '../bus/event-queue.ts'
import {
  invalid,
  optionalBoolean,
  optionalFunction,
  optionalMethods,
  optionalText,
  requireOptions,
} from '../bus/options.ts'
import { isEventDefinition } from '../bus/selector.ts'
import type { Envelope } from '../contract/envelope.ts'
import type { AnyEventDefinition } from '../contract/definition.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import { systemIds, type IdSource } from '../internal/ids.ts'
import { createObservations, type Observations } from '../observe/observations.ts'
import type { Failure } from './failure.ts'
import { ownerOf, reportUnlogged } from './report-failure.ts'

/** How a bus behaves, alone or in an application. */
export interface BusOptions {
  /** Whether payloads are checked against their contracts when they are published; true by default. */
  readonly check?: boolean
  /** Whether outcomes carry durations; false by default: a reading of the clock costs 40 ns. */
  readonly timings?: boolean
  readonly queue?: QueueOptions
  /** Told of each event that nobody listens to. */
  readonly onUnhandled?: (event: Envelope) => void
}

export interface EventBusOptions<D extends AnyEventDefinition> extends BusOptions {
  /** The events that there are: then a selector that fits none of them is refused. Any, without. */
  readonly events?: readonly D[]
  /** `metadata.source` of every event that is published here. */
  readonly source?: string
  /** Owns the errors of handlers; written to standard error by default. */
  readonly onFailure?: (failure: Failure) => void
  /** For tests. */
  readonly clock?: Clock
  readonly ids?: IdSource
}

/** A bus of its own, without a store: `close` ends it. */
export interface StandaloneBus<Known extends Envelope> extends EventBus<Known>, AsyncDisposable {
  readonly observations: Observations
  /**
   * Takes no new listeners, lets what is queued and under way end, closes the handlers that hold events
   * back, ends every wait. Twice is once.
   *
   * @throws {CloseTimeoutError} it took longer than `timeoutMs`: handlers still run
   * @throws the signal's reason
   */
  close(options?: CloseOptions): Promise<void>
}

/**
 * Makes a bus without an application: for a library, a script, a test, or seed code that has no store.
 *
 * @throws {UsageError} an option that it cannot take
 */
export function createEventBus<const D extends AnyEventDefinition = AnyEventDefinition>(
  options: EventBusOptions<D> = {},
): StandaloneBus<D['~event']> {
  checkEventBusOptions(options)
  const observations = createObservations((error) => onFailure({ kind: 'background', error }))
  const sensitive = new Map<string, readonly string[]>(
    options.events?.map((event) => [event.type, event.sensitive]),
  )
  const sensitiveOf = (type: string): readonly string[] => sensitive.get(type) ?? []
  const own = options.onFailure ?? reportUnlogged(observations, sensitiveOf)
  const onFailure = ownerOf(own, sensitiveOf)
  const bus = makeBus(options, {
    onFailure,
    observations,
    knownTypes: options.events?.map((definition) => definition.type),
    clock: options.clock ?? systemClock,
    ids: options.ids ?? systemIds,
    source: options.source,
  })
  return Object.assign(bus, {
    observations,
    [Symbol.asyncDispose]: () => bus.close(),
  }) as unknown as StandaloneBus<D['~event']>
}

/** What is told of an event must not decide what becomes of it: thrown, it stopped the queue for good. */
function guarded(
  onUnhandled: (event: Envelope) => void,
  onFailure: (failure: Failure) => void,
): (event: Envelope) => void {
  return (event) => {
    try {
      onUnhandled(event)
    } catch (error) {
      onFailure({ kind: 'background', error })
    }
  }
}

interface BusWiring {
  readonly onFailure: (failure: Failure) => void
  readonly observations: Observations
  readonly knownTypes: Iterable<string> | undefined
  readonly clock: Clock
  readonly ids: IdSource
  readonly source: string | undefined
}

/** @throws {UsageError} */
function checkEventBusOptions(options: EventBusOptions<AnyEventDefinition>): void {
  requireOptions('createEventBus()', options)
  const { events, clock, ids } = options
  optionalText("createEventBus()'s source", options.source)
  optionalFunction("createEventBus()'s onFailure", options.onFailure)
  optionalMethods("createEventBus()'s clock", clock, ['now', 'sleep'])
  optionalMethods("createEventBus()'s ids", ids, ['newId'])
  const isList = events === undefined || (Array.isArray(events) && events.every(isEventDefinition))
  if (!isList) throw invalid("createEventBus()'s events", 'a list of definitions of events', events)
}

/** @throws {UsageError} an option that it cannot take */
export function makeBus(options: BusOptions, { onFailure, ...wiring }: BusWiring): Bus {
  requireOptions('the bus', options)
  optionalBoolean("The bus's check", options.check)
  optionalBoolean("The bus's timings", options.timings)
  optionalFunction("The bus's onUnhandled", options.onUnhandled)
  return new Bus({
    ...wiring,
    check: options.check ?? true,
    timings: options.timings ?? false,
    queue: options.queue,
    onUnhandled: options.onUnhandled && guarded(options.onUnhandled, onFailure),
    onFailure: (failure) => onFailure({ kind: 'listener', ...failure }),
    onBackground: (error) => onFailure({ kind: 'background', error }),
  })
}
