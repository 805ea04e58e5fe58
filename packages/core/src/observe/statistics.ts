import { defaultAgentOf, defaultReportedMsOf, type NameOf } from './event-facts.ts'
import type { Envelope } from '../contract/envelope.ts'
import { Histogram } from './histogram.ts'
import type { CommandFact, HandledFact, Observations } from './observations.ts'
import { disposeAll, requireCount, requireFunctions, requireObservations } from './options.ts'

export interface StatisticsOptions {
  /** Whose event it is; `payload.agentId`, else `metadata.source`, by default. */
  readonly agentOf?: NameOf
  /** Milliseconds that an event says something took; `payload.executionTimeMs` by default. */
  readonly reportedMsOf?: (event: Envelope) => number | undefined
  /** How many names each table holds, 200 by default; what comes beyond is counted under `other`. */
  readonly maxKeys?: number
}

/** Times in milliseconds. Undefined ones: nothing came. Percentiles are within 3.2 %, the rest is exact. */
export interface TimingSummary {
  readonly count: number
  /** Of handlers also those that no outcome could carry any more, as of a window that ended by time. */
  readonly errors: number
  readonly avgMs?: number
  readonly minMs?: number
  readonly maxMs?: number
  readonly p50Ms?: number
  readonly p95Ms?: number
  readonly p99Ms?: number
}

export interface TypeStatistics extends TimingSummary {
  /** Events that were handed to the bus; `count` says how often a handler came to its end with one. */
  readonly published: number
  readonly unhandled: number
  readonly dropped: number
}

export interface AgentStatistics extends TimingSummary {
  /** Events of this agent that were handed to the bus. */
  readonly published: number
  /** What those events say that their work took, where they do. */
  readonly reported: TimingSummary
}

/** What this process saw of a durable subscription; `count` and `errors` are those of its attempts. */
export interface SubscriptionStatistics extends TimingSummary {
  /** Events that it handled, redriven ones included. */
  readonly handled: number
  /** Failed attempts after which the event is tried again, in place or later. */
  readonly retried: number
  /** Failed attempts after which the event waits for a person. */
  readonly deadLettered: number
  /** Events that were put aside, those behind others included. */
  readonly parked: number
  /** Parked events that were finished: handled after all, or skipped. */
  readonly resolved: number
  /** Events that nobody here declared, that could not be read and were skipped, or that a rule skipped. */
  readonly passedOver: number
  /** The latest that was seen; undefined before the first change. */
  readonly state?: string
  readonly reason?: string
}

export type StatisticsTable = 'types' | 'handlers' | 'agents' | 'commands' | 'subscriptions'

/** All of it is JSON. */
export interface StatisticsSummary {
  readonly published: number
  readonly unhandled: number
  readonly dropped: number
  /** Every handler's every event, those of subscriptions included. */
  readonly handled: TimingSummary
  readonly byType: Readonly<Record<string, TypeStatistics>>
  /** Listeners, by name: those of one name are counted together. */
  readonly byHandler: Readonly<Record<string, TimingSummary>>
  readonly byAgent: Readonly<Record<string, AgentStatistics>>
  readonly commands: Readonly<Record<string, TimingSummary>>
  readonly bySubscription: Readonly<Record<string, SubscriptionStatistics>>
  /** The tables that are full: names that came later are counted together, as `other`. */
  readonly limited: readonly StatisticsTable[]
}

/** The counts as they are kept. */
export class Timing {
  errors = 0
  readonly histogram: Histogram = new Histogram()

  record(durationMs: number, failed: boolean): void {
    this.histogram.record(durationMs)
    if (failed) this.errors++
  }
}

export class TypeCounts extends Timing {
  published = 0
  unhandled = 0
  dropped = 0
}

export class AgentCounts extends Timing {
  published = 0
  readonly reported: Timing = new Timing()
}

export class SubscriptionCounts extends Timing {
  retried = 0
  deadLettered = 0
  parked = 0
  resolved = 0
  passedOver = 0
  state: string | undefined
  reason = ''

  get handled(): number {
    return this.histogram.count - this.errors
  }
}

export const OTHER = 'other'

/** Entries by name, up to a limit: whoever makes names of ids must not fill the memory. */
class BoundedTable<Entry> {
  readonly entries = new Map<string, Entry>()
  limited = false
  readonly #maxKeys: number
  readonly #create: () => Entry

  constructor(maxKeys: number, create: () => Entry) {
    this.#maxKeys = maxKeys
    this.#create = create
  }

  of(name: string): Entry {
    const known = this.entries.get(name)
    if (known !== undefined) return known
    const isFull = this.entries.size >= this.#maxKeys
    if (isFull && name !== OTHER) {
      this.limited = true
      return this.entries.get(OTHER) ?? this.#add(OTHER)
    }
    return this.#add(name)
  }

  #add(name: string): Entry {
    const entry = this.#create()
    this.entries.set(name, entry)
    return entry
  }
}

/** What the exporters read. */
export interface StatisticsCounts {
  readonly handled: Timing
  readonly types: ReadonlyMap<string, TypeCounts>
  readonly handlers: ReadonlyMap<string, Timing>
  readonly agents: ReadonlyMap<string, AgentCounts>
  readonly commands: ReadonlyMap<string, Timing>
  readonly subscriptions: ReadonlyMap<string, SubscriptionCounts>
}

export interface Statistics extends Disposable {
  summary(): StatisticsSummary
  /** Begins at nothing again. */
  reset(): void
  /** The counts themselves, for exporters. */
  readonly '~counts': StatisticsCounts
}

class Tables {
  readonly handled = new Timing()
  readonly types: BoundedTable<TypeCounts>
  readonly handlers: BoundedTable<Timing>
  readonly agents: BoundedTable<AgentCounts>
  readonly commands: BoundedTable<Timing>
  readonly subscriptions: BoundedTable<SubscriptionCounts>

  constructor(maxKeys: number) {
    this.types = new BoundedTable(maxKeys, () => new TypeCounts())
    this.handlers = new BoundedTable(maxKeys, () => new Timing())
    this.agents = new BoundedTable(maxKeys, () => new AgentCounts())
    this.commands = new BoundedTable(maxKeys, () => new Timing())
    this.subscriptions = new BoundedTable(maxKeys, () => new SubscriptionCounts())
  }
}

/**
 * Counts and times everything that is observed, by type, handler, subscription, agent and command, in bounded memory:
 * at most `maxKeys + 1` names a table, with 4.5 kB for each (9 kB for an agent).
 *
 * @throws {UsageError} an option that it cannot take
 */
export function createStatistics(
  observations: Observations,
  options: StatisticsOptions = {},
): Statistics {
  const { agentOf = defaultAgentOf, reportedMsOf = defaultReportedMsOf, maxKeys = 200 } = options
  requireObservations(observations)
  requireCount('maxKeys', maxKeys, 1)
  requireFunctions({ agentOf, reportedMsOf })
  let tables = new Tables(maxKeys)
  const onPublished = ({ event }: { readonly event: Envelope }): void => {
    tables.types.of(event.eventType).published++
    const agent = agentOf(event)
    if (agent === undefined) return
    const counts = tables.agents.of(agent)
    counts.published++
    const reportedMs = reportedMsOf(event)
    if (reportedMs !== undefined && Number.isFinite(reportedMs))
      counts.reported.record(reportedMs, false)
  }
  const onHandled = ({ event, handler, subscription, durationMs, failed }: HandledFact): void => {
    tables.handled.record(durationMs, failed)
    tables.types.of(event.eventType).record(durationMs, failed)
    if (subscription === undefined) tables.handlers.of(handler).record(durationMs, failed)
    else tables.subscriptions.of(subscription).record(durationMs, failed)
    const agent = agentOf(event)
    if (agent !== undefined) tables.agents.of(agent).record(durationMs, failed)
  }
  const onCommand = ({ type, durationMs, failed }: CommandFact): void =>
    tables.commands.of(type).record(durationMs, failed)
  const attached = [
    observations.published.observe(onPublished),
    observations.handled.observe(onHandled),
    observations.failedLate.observe(({ handler }) => {
      tables.handled.errors++
      tables.handlers.of(handler).errors++
    }),
    observations.unhandled.observe(
      ({ event }) => void tables.types.of(event.eventType).unhandled++,
    ),
    observations.dropped.observe(({ event }) => void tables.types.of(event.eventType).dropped++),
    observations.command.observe(onCommand),
    ...observeSubscriptions(observations, (name) => tables.subscriptions.of(name)),
  ]
  return {
    summary: () => summarize(tables),
    reset: () => void (tables = new Tables(maxKeys)),
    get '~counts'() {
      return countsOf(tables)
    },
    [Symbol.dispose]: () => disposeAll(attached),
  }
}

function observeSubscriptions(
  { subscription, attemptFailed, parked, passedOver }: Observations,
  of: (name: string) => SubscriptionCounts,
): Disposable[] {
  return [
    subscription.observe(({ subscription: name, to, reason }) => {
      Object.assign(of(name), { state: to, reason })
    }),
    attemptFailed.observe(({ subscription: name, decision }) => {
      if (decision === 'dead') of(name).deadLettered++
      else if (decision !== 'skip' && decision !== 'stop') of(name).retried++
    }),
    parked.observe(({ subscription: name, what }) => void of(name)[what]++),
    passedOver.observe(({ subscription: name }) => void of(name).passedOver++),
  ]
}

function countsOf(tables: Tables): StatisticsCounts {
  return {
    handled: tables.handled,
    types: tables.types.entries,
    handlers: tables.handlers.entries,
    agents: tables.agents.entries,
    commands: tables.commands.entries,
    subscriptions: tables.subscriptions.entries,
  }
}

function summarize(tables: Tables): StatisticsSummary {
  const types = [...tables.types.entries.values()]
  const total = (count: (type: TypeCounts) => number): number =>
    types.reduce((sum, type) => sum + count(type), 0)
  return {
    published: total((type) => type.published),
    unhandled: total((type) => type.unhandled),
    dropped: total((type) => type.dropped),
    handled: summarizeTiming(tables.handled),
    byType: mapTable(tables.types, summarizeType),
    byHandler: mapTable(tables.handlers, summarizeTiming),
    byAgent: mapTable(tables.agents, (agent) => ({
      published: agent.published,
      ...summarizeTiming(agent),
      reported: summarizeTiming(agent.reported),
    })),
    commands: mapTable(tables.commands, summarizeTiming),
    bySubscription: mapTable(tables.subscriptions, summarizeSubscription),
    limited: (['types', 'handlers', 'agents', 'commands', 'subscriptions'] as const).filter(
      (name) => tables[name].limited,
    ),
  }
}

function mapTable<Entry, Result>(
  table: BoundedTable<Entry>,
  map: (entry: Entry) => Result,
): Readonly<Record<string, Result>> {
  return Object.fromEntries(Array.from(table.entries, ([name, entry]) => [name, map(entry)]))
}

function summarizeType(type: TypeCounts): TypeStatistics {
  const { published, unhandled, dropped } = type
  return { published, unhandled, dropped, ...summarizeTiming(type) }
}

function summarizeSubscription(counts: SubscriptionCounts): SubscriptionStatistics {
  const { handled, retried, deadLettered, parked, resolved, passedOver, state, reason } = counts
  const seen = state === undefined ? {} : { state, reason }
  const numbers = { handled, retried, deadLettered, parked, resolved, passedOver }
  return { ...numbers, ...seen, ...summarizeTiming(counts) }
}

function summarizeTiming({ errors, histogram }: Timing): TimingSummary {
  const { count, sum, min, max } = histogram
  if (count === 0) return { count, errors }
  return {
    count,
    errors,
    avgMs: sum / count,
    minMs: min,
    maxMs: max,
    p50Ms: histogram.quantile(0.5)!,
    p95Ms: histogram.quantile(0.95)!,
    p99Ms: histogram.quantile(0.99)!,
  }
}
