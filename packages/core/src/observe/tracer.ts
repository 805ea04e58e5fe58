import type { Envelope } from '../contract/envelope.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import { toIsoTime } from '../internal/time.ts'
import { redactorOf, summarizeError, type ErrorSummary } from './describe-error.ts'
import { defaultSessionOf, type NameOf } from './event-facts.ts'
import type {
  AttemptFailedFact,
  CommandFact,
  HandledFact,
  Observations,
  ParkedFact,
} from './observations.ts'
import { disposeAll, requireCount, requireFunctions, requireObservations } from './options.ts'
import type { SensitiveOf } from './redact.ts'

export interface TracerOptions {
  /** Traces (correlation ids) that are kept; 1,000 by default. The one that was longest without an event goes. */
  readonly maxTraces?: number
  /** Entries of one trace, 200 by default; the oldest go. An entry keeps as many handlings. */
  readonly maxEventsPerTrace?: number
  /** The session of an event; `payload.sessionId`, else `metadata.sessionId`, by default. */
  readonly sessionOf?: NameOf
  /** Whose values are kept out of error messages; `sensitiveIn(app.registry)`. */
  readonly sensitiveOf?: SensitiveOf
  /** For tests. */
  readonly clock?: Clock
}

/** What one handler made of the event. */
export interface TraceHandling {
  readonly handler: string
  /** Milliseconds, with fractions. */
  readonly durationMs: number
  /** Undefined where it did not fail. */
  readonly error: ErrorSummary | undefined
  /** What a subscription did about it, where it did not simply handle it: `retry`, `dead`, `parked (behind)`, … */
  readonly next?: string
}

/** An event or a command of a trace. Payloads are not kept. */
export interface TraceEntry {
  readonly kind: 'event' | 'command'
  /** The event's or the command's id. */
  readonly id: string
  readonly type: string
  readonly correlationId: string
  /** The event or command that led to it. Commands' are not known here. */
  readonly causationId: string | undefined
  readonly sessionId: string | undefined
  /** When it was seen (a command: begun) by this process: UTC, ISO 8601. */
  readonly time: string
  readonly handled: readonly TraceHandling[]
}

export interface Tracer extends Disposable {
  /** What came of one beginning, in the order in which it was seen; empty where nothing is known. */
  byCorrelation(correlationId: string): readonly TraceEntry[]
  /** The events of a session, of whatever beginning, in the order in which they were seen. */
  bySession(sessionId: string): readonly TraceEntry[]
  /** Entries of a trace that were given up for newer ones; undefined: no such trace. */
  omitted(correlationId: string): number | undefined
  /** How many traces are kept. */
  readonly size: number
}

interface KeptEntry extends TraceEntry {
  readonly timeMs: number
  readonly sequence: number
  readonly handled: TraceHandling[]
}

interface Trace {
  readonly entries: Map<string, KeptEntry>
  omitted: number
}

/** Traces by correlation id, the one longest without news first. */
class TraceStore {
  readonly traces = new Map<string, Trace>()
  readonly sessions = new Map<string, Set<string>>()
  readonly #maxTraces: number
  readonly #maxEntries: number
  #sequence = 0

  constructor(maxTraces: number, maxEntries: number) {
    this.#maxTraces = maxTraces
    this.#maxEntries = maxEntries
  }

  entry(id: string, correlationId: string, make: () => Omit<KeptEntry, 'sequence'>): KeptEntry {
    const trace = this.#touch(correlationId)
    const known = trace.entries.get(id)
    if (known !== undefined) return known
    const entry = { ...make(), sequence: this.#sequence++ }
    trace.entries.set(id, entry)
    if (entry.sessionId !== undefined) this.#addToSession(entry.sessionId, correlationId)
    if (trace.entries.size > this.#maxEntries) this.#dropOldest(trace)
    return entry
  }

  handling(entry: KeptEntry, handling: TraceHandling): void {
    entry.handled.push(handling)
    if (entry.handled.length > this.#maxEntries) entry.handled.shift()
  }

  /** Says what was done after the last handling of a handler. */
  follow(entry: KeptEntry, handler: string, next: string): void {
    const index = entry.handled.findLastIndex((handling) => handling.handler === handler)
    const last = entry.handled[index]
    if (last?.error !== undefined) entry.handled[index] = { ...last, next }
  }

  #touch(correlationId: string): Trace {
    const trace = this.traces.get(correlationId) ?? { entries: new Map(), omitted: 0 }
    this.traces.delete(correlationId)
    this.traces.set(correlationId, trace)
    if (this.traces.size > this.#maxTraces) this.#dropTrace(first(this.traces.keys()))
    return trace
  }

  #addToSession(sessionId: string, correlationId: string): void {
    const correlations = this.sessions.get(sessionId) ?? new Set()
    correlations.add(correlationId)
    this.sessions.set(sessionId, correlations)
  }

  #dropOldest(trace: Trace): void {
    const oldest = trace.entries.get(first(trace.entries.keys()))!
    trace.entries.delete(oldest.id)
    trace.omitted++
    const { sessionId, correlationId } = oldest
    if (sessionId === undefined) return
    for (const entry of trace.entries.values()) if (entry.sessionId === sessionId) return
    this.#removeFromSession(sessionId, correlationId)
  }

  #dropTrace(correlationId: string): void {
    const { entries } = this.traces.get(correlationId)!
    this.traces.delete(correlationId)
    for (const { sessionId } of entries.values())
      if (sessionId !== undefined) this.#removeFromSession(sessionId, correlationId)
  }

  #removeFromSession(sessionId: string, correlationId: string): void {
    const correlations = this.sessions.get(sessionId)
    correlations?.delete(correlationId)
    if (correlations?.size === 0) this.sessions.delete(sessionId)
  }

  ofTrace(correlationId: string): KeptEntry[] {
    return [...(this.traces.get(correlationId)?.entries.values() ?? [])]
  }

  ofSession(sessionId: string): KeptEntry[] {
    const correlations = [...(this.sessions.get(sessionId) ?? [])]
    return correlations
      .flatMap((correlationId) => this.ofTrace(correlationId))
      .filter((entry) => entry.sessionId === sessionId)
  }
}

function first(keys: Iterable<string>): string {
  for (const key of keys) return key
  throw new RangeError('there is none')
}

/**
 * Keeps what was seen of each correlation and each session, in bounded memory: types, handlers, times
 * and errors, no payloads.
 *
 * @throws {UsageError} an option that it cannot take
 */
export function createTracer(observations: Observations, options: TracerOptions = {}): Tracer {
  const { maxTraces = 1000, maxEventsPerTrace = 200, sessionOf = defaultSessionOf } = options
  const { sensitiveOf = () => [], clock = systemClock } = options
  requireObservations(observations)
  requireCount('maxTraces', maxTraces, 1)
  requireCount('maxEventsPerTrace', maxEventsPerTrace, 1)
  requireFunctions({ sessionOf, sensitiveOf })
  const store = new TraceStore(maxTraces, maxEventsPerTrace)
  const entryOf = (event: Envelope): KeptEntry =>
    store.entry(event.eventId, event.correlationId, () =>
      eventEntry(event, sessionOf(event), clock.now()),
    )
  const onHandled = ({ event, handler, durationMs, failed, error }: HandledFact): void => {
    const summary = failed ? summarizeError(error, redactorOf(event, sensitiveOf)) : undefined
    store.handling(entryOf(event), { handler, durationMs, error: summary })
  }
  const onCommand = (fact: CommandFact): void => {
    const error = fact.failed ? summarizeError(fact.error, fact.redact) : undefined
    const make = (): Omit<KeptEntry, 'sequence'> => commandEntry(fact, clock.now())
    const entry = store.entry(fact.commandId, fact.correlationId, make)
    store.handling(entry, { handler: fact.type, durationMs: fact.durationMs, error })
  }
  const onAttemptFailed = ({ event, subscription, decision }: AttemptFailedFact): void =>
    store.follow(entryOf(event), subscription, decision)
  const onParked = ({ event, subscription, what, reason }: ParkedFact): void => {
    // One that was attempted says already why it is parked.
    if (what !== 'parked' || reason === 'failed') return
    const next = `parked (${reason})`
    store.handling(entryOf(event), { handler: subscription, durationMs: 0, error: undefined, next })
  }
  const attached = [
    observations.attemptFailed.observe(onAttemptFailed),
    observations.parked.observe(onParked),
    observations.published.observe(({ event }) => void entryOf(event)),
    observations.handled.observe(onHandled),
    observations.command.observe(onCommand),
  ]
  return {
    byCorrelation: (correlationId) => inOrder(store.ofTrace(correlationId)),
    bySession: (sessionId) => inOrder(store.ofSession(sessionId)),
    omitted: (correlationId) => store.traces.get(correlationId)?.omitted,
    get size() {
      return store.traces.size
    },
    [Symbol.dispose]: () => disposeAll(attached),
  }
}

function eventEntry(
  event: Envelope,
  sessionId: string | undefined,
  timeMs: number,
): Omit<KeptEntry, 'sequence'> {
  return {
    kind: 'event',
    id: event.eventId,
    type: event.eventType,
    correlationId: event.correlationId,
    causationId: event.causationId,
    sessionId,
    time: toIsoTime(timeMs),
    timeMs,
    handled: [],
  }
}

/** A command is seen when it ends, after the events that it led to. */
function commandEntry(fact: CommandFact, nowMs: number): Omit<KeptEntry, 'sequence'> {
  const timeMs = Math.floor(nowMs - fact.durationMs)
  return {
    kind: 'command',
    id: fact.commandId,
    type: fact.type,
    correlationId: fact.correlationId,
    causationId: undefined,
    sessionId: undefined,
    time: toIsoTime(timeMs),
    timeMs,
    handled: [],
  }
}

/** By time; in one millisecond a command comes before the events that it led to. */
function inOrder(entries: KeptEntry[]): readonly TraceEntry[] {
  const rank = ({ kind }: KeptEntry): number => (kind === 'command' ? 0 : 1)
  return entries
    .toSorted((a, b) => a.timeMs - b.timeMs || rank(a) - rank(b) || a.sequence - b.sequence)
    .map(({ timeMs: _timeMs, sequence: _sequence, ...entry }) => ({
      ...entry,
      handled: [...entry.handled],
    }))
}
