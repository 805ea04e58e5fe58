import {
  metricTable,
  type MetricDescription,
  type MetricKey,
  type SubscriptionGauge,
} from './metric-table.ts'
import type {
  AgentCounts,
  Statistics,
  StatisticsCounts,
  SubscriptionCounts,
  Timing,
  TypeCounts,
} from './statistics.ts'
import { SUBSCRIPTION_STATES, type SubscriptionReading } from './subscription-reading.ts'

/** One line of the exposition. */
export interface MetricSample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with its values, as prom-client has them. */
export interface MetricReading {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'histogram' | 'gauge'
  /** How prom-client puts the processes of a cluster together: what is read of the log is the same in each. */
  readonly aggregator: 'sum' | 'max'
  readonly values: MetricSample[]
}

/** Buckets end at powers of two: the statistics know the counts up to them exactly. 2^-4 to 2^14 ms. */
const EXPONENTS: readonly number[] = Array.from({ length: 19 }, (_, index) => index - 4)
const EDGES_SECONDS: readonly string[] = EXPONENTS.map((exponent) =>
  formatValue(2 ** exponent / 1000),
)

type Count<Entry> = (entry: Entry) => number

const typeCounters: readonly (readonly [MetricKey, Count<TypeCounts>])[] = [
  ['published', ({ published }) => published],
  ['unhandled', ({ unhandled }) => unhandled],
  ['dropped', ({ dropped }) => dropped],
  ['typeHandled', ({ histogram }) => histogram.count],
  ['typeFailed', ({ errors }) => errors],
]

const agentCounters: readonly (readonly [MetricKey, Count<AgentCounts>])[] = [
  ['agentPublished', ({ published }) => published],
  ['agentFailed', ({ errors }) => errors],
]

const subscriptionCounters: readonly (readonly [MetricKey, Count<SubscriptionCounts>])[] = [
  ['subscriptionHandled', ({ handled }) => handled],
  ['subscriptionFailed', ({ errors }) => errors],
  ['subscriptionRetried', ({ retried }) => retried],
  ['subscriptionDeadLettered', ({ deadLettered }) => deadLettered],
  ['subscriptionParked', ({ parked }) => parked],
  ['subscriptionResolved', ({ resolved }) => resolved],
  ['subscriptionPassedOver', ({ passedOver }) => passedOver],
]

const gauges: Readonly<
  Record<Exclude<SubscriptionGauge, 'subscriptionState'>, Count<SubscriptionReading>>
> = {
  subscriptionOwned: ({ owner }) => (owner === undefined ? 0 : 1),
  subscriptionLagEvents: ({ lagEvents }) => lagEvents,
  subscriptionLagSeconds: ({ lagMs }) => lagMs / 1000,
  subscriptionParkedNow: ({ parked }) => parked,
  subscriptionDeadLetters: ({ deadLetters }) => deadLetters,
}

/** Every metric that there is, also those without values: a dashboard finds them from the start. */
export function readMetrics(
  statistics: Statistics,
  subscriptions: readonly SubscriptionReading[] = [],
): readonly MetricReading[] {
  const counts = statistics['~counts']
  return (Object.keys(metricTable) as MetricKey[]).map((key) => {
    const metric = metricTable[key]
    const { name, help, type } = metric
    const values =
      type === 'gauge'
        ? readGauge(key as SubscriptionGauge, metric, subscriptions)
        : readValues(key, metric, counts)
    return { name, help, type, aggregator: type === 'gauge' ? 'max' : 'sum', values }
  })
}

function readGauge(
  key: SubscriptionGauge,
  { name: metricName }: MetricDescription,
  subscriptions: readonly SubscriptionReading[],
): MetricSample[] {
  if (key !== 'subscriptionState') {
    const value = gauges[key]
    return subscriptions.map((reading) => ({
      metricName,
      labels: { subscription: reading.name },
      value: value(reading),
    }))
  }
  return subscriptions.flatMap(({ name: subscription, state }) =>
    SUBSCRIPTION_STATES.map((one) => ({
      metricName,
      labels: { subscription, state: one },
      value: one === state ? 1 : 0,
    })),
  )
}

function readValues(
  key: MetricKey,
  metric: MetricDescription,
  counts: StatisticsCounts,
): MetricSample[] {
  const ofType = typeCounters.find(([name]) => name === key)
  if (ofType !== undefined) return counters(metric, counts.types, ofType[1])
  const ofAgent = agentCounters.find(([name]) => name === key)
  if (ofAgent !== undefined) return counters(metric, counts.agents, ofAgent[1])
  const ofSubscription = subscriptionCounters.find(([name]) => name === key)
  if (ofSubscription !== undefined) return counters(metric, counts.subscriptions, ofSubscription[1])
  switch (key) {
    case 'subscriptionSeconds':
      return histograms(metric, counts.subscriptions, (timing) => timing)
    case 'handlerSeconds':
      return histograms(metric, counts.handlers, (timing) => timing)
    case 'agentSeconds':
      return histograms(metric, counts.agents, ({ reported }) => reported)
    case 'commandSeconds':
      return histograms(metric, counts.commands, (timing) => timing)
    case 'handlerFailed':
      return counters(metric, counts.handlers, ({ errors }) => errors)
    case 'commandFailed':
      return counters(metric, counts.commands, ({ errors }) => errors)
    default:
      throw new RangeError(`no values for ${key}`)
  }
}

function counters<Entry>(
  { name, label }: MetricDescription,
  table: ReadonlyMap<string, Entry>,
  count: Count<Entry>,
): MetricSample[] {
  return Array.from(table, ([subject, entry]) => ({
    metricName: name,
    labels: { [label]: subject },
    value: count(entry),
  }))
}

function histograms<Entry>(
  { name, label }: MetricDescription,
  table: ReadonlyMap<string, Entry>,
  timingOf: (entry: Entry) => Timing,
): MetricSample[] {
  return Array.from(table).flatMap(([subject, entry]) => {
    const { histogram } = timingOf(entry)
    const labels = { [label]: subject }
    const upTo = histogram.countsUpTo(EXPONENTS)
    return [
      ...upTo.map((value, index) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le: EDGES_SECONDS[index]! },
        value,
      })),
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: histogram.count },
      { metricName: `${name}_sum`, labels, value: histogram.sum / 1000 },
      { metricName: `${name}_count`, labels, value: histogram.count },
    ]
  })
}

/** `Content-Type` of {@link prometheusText}. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * The statistics in Prometheus's text format 0.0.4, for the answer to a scrape.
 *
 * @param subscriptions how subscriptions are now: `await app.admin.subscriptions()`; without, their gauges
 *   have no values
 */
export function prometheusText(
  statistics: Statistics,
  subscriptions: readonly SubscriptionReading[] = [],
): string {
  return readMetrics(statistics, subscriptions).map(formatMetric).join('')
}

function formatMetric({ name, help, type, values }: MetricReading): string {
  const lines = values.map(
    ({ metricName, labels, value }) =>
      `${metricName}${formatLabels(labels)} ${formatValue(value)}\n`,
  )
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return `{${parts.join(',')}}`
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

/** A lone surrogate would make the text no UTF-8. */
function escapeLabel(text: string): string {
  return escapeHelp(text.toWellFormed()).replaceAll('"', '\\"')
}

/** Go's form of a float; JavaScript's is another one only for what is not finite. */
function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}
