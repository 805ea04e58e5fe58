import fc from 'fast-check'
import { Counter, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { metricTable } from '../../src/observe/metric-table.ts'
import { registerInPromClient } from '../../src/observe/prom-client.ts'
import { prometheusText } from '../../src/observe/prometheus.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import type { SubscriptionReading } from '../../src/observe/subscription-reading.ts'
import {
  attempt,
  command,
  eventOf,
  handle,
  openObservations,
  park,
  publish,
  seeHundred,
} from './facts.ts'

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

// A line ends at \n alone: \r and U+2028 are characters of a label like any other.
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y

/** The format as its specification says it, and nothing more lenient. */
function parse(text: string): Sample[] {
  expect(text.endsWith('\n')).toBe(true)
  return text
    .slice(0, -1)
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = LINE.exec(line) ?? expect.fail(`no sample: ${line}`)
      return {
        name: name!,
        labels: parseLabels(labels),
        value: Number(value === '+Inf' ? Infinity : value),
      }
    })
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let at = 0
  while (at < text.length) {
    LABEL.lastIndex = at
    const [all, name, value] = LABEL.exec(text) ?? expect.fail(`no label: ${text.slice(at)}`)
    labels[name!] = value!.replaceAll(/\\(.)/g, (_all, escaped: string) =>
      escaped === 'n' ? '\n' : escaped,
    )
    at += all.length
  }
  return labels
}

const readings: readonly SubscriptionReading[] = [
  {
    name: 'mail',
    state: 'paused',
    reason: 'too many are parked',
    owner: 'host:1:a',
    lagEvents: 12,
    lagMs: 3500,
    parked: 7,
    deadLetters: 2,
  },
]

function measured() {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  const event = eventOf('A.Run.Done', { payload: { agentId: 'writer', executionTimeMs: 2000 } })
  publish(observations, event)
  handle(observations, event, { durationMs: 1 })
  handle(observations, event, { durationMs: 3, error: 'no' })
  handle(observations, event, { durationMs: 40_000 })
  observations.unhandled.emit({ event })
  observations.dropped.emit({ event, policy: 'reject', queueSize: 1 })
  command(observations, { durationMs: 8, error: 'no' })
  attempt(observations, event)
  attempt(observations, event, { error: 'no', decision: 'retry' })
  attempt(observations, event, { error: 'no', decision: 'dead' })
  park(observations, event)
  park(observations, event, { what: 'resolved' })
  observations.passedOver.emit({ subscription: 'mail', event, why: 'skipped' })
  return { observations, statistics }
}

function valueOf(samples: readonly Sample[], name: string, labels: Record<string, string>) {
  return samples.find(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value
}

test('every metric of the table has its help, its type and its values', () => {
  const { statistics } = measured()
  const text = prometheusText(statistics, readings)
  const samples = parse(text)
  for (const { name, type, help, label } of Object.values(metricTable)) {
    expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`)
    const own = samples.filter((sample) => sample.name.startsWith(name))
    expect(own.length).toBeGreaterThan(0)
    for (const sample of own) expect(sample.labels).toHaveProperty(label)
  }
  const type = { type: 'A.Run.Done' }
  expect(valueOf(samples, 'tidings_events_published_total', type)).toBe(1)
  expect(valueOf(samples, 'tidings_events_handled_total', type)).toBe(6)
  expect(valueOf(samples, 'tidings_events_failed_total', type)).toBe(3)
  expect(valueOf(samples, 'tidings_events_unhandled_total', type)).toBe(1)
  expect(valueOf(samples, 'tidings_events_dropped_total', type)).toBe(1)
  expect(valueOf(samples, 'tidings_handler_failed_total', { handler: 'mail' })).toBe(1)
  expect(valueOf(samples, 'tidings_agent_events_published_total', { agent: 'writer' })).toBe(1)
  expect(valueOf(samples, 'tidings_agent_events_failed_total', { agent: 'writer' })).toBe(3)
  expect(valueOf(samples, 'tidings_agent_reported_duration_seconds_sum', { agent: 'writer' })).toBe(
    2,
  )
  expect(valueOf(samples, 'tidings_command_failed_total', { type: 'Test.Agent.Start' })).toBe(1)
})

test('a subscription has counters of what this process saw, and gauges of how it is', () => {
  const { statistics } = measured()
  const samples = parse(prometheusText(statistics, readings))
  const of = (name: string, labels: Record<string, string> = {}) =>
    valueOf(samples, `tidings_subscription_${name}`, { subscription: 'mail', ...labels })
  expect({
    attempts: of('attempt_duration_seconds_count'),
    handled: of('events_handled_total'),
    failed: of('attempts_failed_total'),
    retried: of('attempts_retried_total'),
    dead: of('events_dead_lettered_total'),
    parked: of('events_parked_total'),
    resolved: of('events_resolved_total'),
    passedOver: of('events_passed_over_total'),
  }).toEqual({
    attempts: 3,
    handled: 1,
    failed: 2,
    retried: 1,
    dead: 1,
    parked: 1,
    resolved: 1,
    passedOver: 1,
  })
  expect([of('lag_events'), of('lag_seconds')]).toEqual([12, 3.5])
  expect([of('events_parked'), of('dead_letters'), of('owned')]).toEqual([7, 2, 1])
  expect([of('state', { state: 'paused' }), of('state', { state: 'live' })]).toEqual([1, 0])
  const orphan = prometheusText(statistics, [{ ...readings[0]!, owner: undefined }])
  expect(orphan).toContain('tidings_subscription_owned{subscription="mail"} 0\n')
})

test('buckets of a histogram are cumulative, in seconds, and hold their edge', () => {
  const { statistics } = measured()
  const samples = parse(prometheusText(statistics))
  const buckets = samples.filter(({ name }) => name === 'tidings_handler_duration_seconds_bucket')
  const upTo = (le: string) => buckets.find(({ labels }) => labels['le'] === le)?.value
  expect(['0.0005', '0.001', '0.002', '0.004', '16.384', '+Inf'].map(upTo)).toEqual([
    0, 1, 1, 2, 2, 3,
  ])
  expect(valueOf(samples, 'tidings_handler_duration_seconds_sum', {})).toBeCloseTo(40.004)
  expect(valueOf(samples, 'tidings_handler_duration_seconds_count', {})).toBe(3)
})

/** As Prometheus's histogram_quantile: the bucket in which the rank lies, and the part of it up to there. */
function histogramQuantile(part: number, buckets: readonly Sample[]): number {
  const edges = buckets.map(({ labels, value }) => ({ le: Number(labels['le']), count: value }))
  const rank = part * buckets.at(-1)!.value
  const at = edges.findIndex(({ count }) => count >= rank)
  const { le, count } = edges[at]!
  const before = edges[at - 1] ?? { le: 0, count: 0 }
  return before.le + ((le - before.le) * (rank - before.count)) / (count - before.count)
}

test('of the buckets Prometheus makes the right quantiles, for everything that is timed', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  seeHundred(observations)
  const samples = parse(prometheusText(statistics))
  const timed = Object.values(metricTable).filter(({ type }) => type === 'histogram')
  expect(timed).toHaveLength(4)
  for (const { name } of timed) {
    const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
    const quantiles = [0.5, 0.95, 0.99].map((part) => histogramQuantile(part, buckets))
    // 10, 100 and 1,000 ms: each is the last of its bucket.
    expect(quantiles, name).toEqual([0.016, 0.128, 1.024])
  }
})

test('any name survives as a label', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const observations = openObservations()
      const statistics = createStatistics(observations)
      handle(observations, eventOf('A.B.Done'), { handler: name })
      const samples = parse(prometheusText(statistics))
      expect(
        valueOf(samples, 'tidings_handler_failed_total', { handler: name.toWellFormed() }),
      ).toBe(0)
    }),
  )
})

test('prom-client, given the statistics, writes the very same samples', async () => {
  const { statistics, observations } = measured()
  const registry = new Registry()
  let reads = 0
  const subscriptions = async () => {
    reads++
    return readings
  }
  const registered = registerInPromClient(statistics, registry, { subscriptions })
  handle(observations, eventOf('A.Run.Done'), { handler: 'odd "name"\\\n' })
  const theirs = await registry.metrics()
  const sorted = (text: string) =>
    parse(text)
      .map((sample) => JSON.stringify(sample))
      .toSorted()
  const withoutBlankLines = theirs.replaceAll(/\n\n+/g, '\n')
  expect(sorted(withoutBlankLines)).toEqual(sorted(prometheusText(statistics, readings)))
  expect(reads, 'one reading for all gauges of a scrape').toBe(1)
  await registry.metrics()
  expect(reads, 'and another one for the next').toBe(2)
  expect(await registry.getMetricsAsJSON()).toHaveLength(Object.keys(metricTable).length)

  expect(() => registerInPromClient(statistics, registry)).toThrow(/already been registered/)
  expect(registry.getMetricsAsArray()).toHaveLength(Object.keys(metricTable).length)
  registry.resetMetrics()
  expect(statistics.summary().published).toBe(0)
  registered[Symbol.dispose]()
  expect(registry.getMetricsAsArray()).toEqual([])
})

test('where one name is taken in prom-client, none is registered', () => {
  const registry = new Registry()
  const { name } = Object.values(metricTable).at(-1)!
  const taken = new Counter({ name, help: 'another one', registers: [registry] })
  const statistics = createStatistics(openObservations())
  expect(() => registerInPromClient(statistics, registry)).toThrow(/already been registered/)
  expect(registry.getMetricsAsArray()).toEqual([taken])
})

test('with nothing seen, every metric is named', () => {
  const text = prometheusText(createStatistics(openObservations()))
  expect(parse(text)).toEqual([])
  expect(text.match(/# TYPE/g)).toHaveLength(Object.keys(metricTable).length)
})
