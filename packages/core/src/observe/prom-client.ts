import { nameError } from './describe-error.ts'
import { metricTable, type MetricKey } from './metric-table.ts'
import { requireFunctions } from './options.ts'
import { readMetrics, type MetricReading } from './prometheus.ts'
import type { Statistics } from './statistics.ts'
import type { ReadSubscriptions, SubscriptionReading } from './subscription-reading.ts'

/** The part of prom-client's `Registry` that is needed: core depends on no version of it. */
export interface PromClientRegistry {
  /** `never`: its own type names the classes of its metrics, of which it asks no more than `get`. */
  registerMetric(metric: never): void
  removeSingleMetric(name: string): void
}

/**
 * Shows the statistics in a registry of `prom-client`, beside an application's own metrics. They are read
 * when the registry is scraped; nothing of prom-client runs while events are handled.
 *
 * @param options `subscriptions: () => app.admin.subscriptions()` for the gauges, read once for each scrape.
 *   Where that fails the gauges have no values, all else is there, and `onError` is told, once until it
 *   succeeds again (standard error by default)
 * @throws prom-client's error where a metric of the same name is there already; then none is registered
 */
export function registerInPromClient(
  statistics: Statistics,
  registry: PromClientRegistry,
  options: {
    readonly subscriptions?: ReadSubscriptions
    readonly onError?: (error: unknown) => void
  } = {},
): Disposable {
  const { subscriptions = () => Promise.resolve([]), onError = reportUnread } = options
  requireFunctions({ subscriptions, onError })
  const readShared = shareReading(toldOnce(subscriptions, onError))
  const registered: string[] = []
  const dispose = (): void => {
    for (const name of registered.splice(0)) registry.removeSingleMetric(name)
  }
  try {
    for (const key of Object.keys(metricTable) as MetricKey[]) {
      const { name, help, type } = metricTable[key]
      const get = async (): Promise<MetricReading> => {
        const subscriptions = type === 'gauge' ? await readShared() : []
        return readMetrics(statistics, subscriptions).find((metric) => metric.name === name)!
      }
      // The registry resets all its metrics together; ours begin again together, too.
      const metric = { name, help, type, get, reset: () => statistics.reset() }
      registry.registerMetric(metric as never)
      registered.push(name)
    }
  } catch (error) {
    dispose()
    throw error
  }
  return { [Symbol.dispose]: dispose }
}

/** A log that cannot be read must not take the application's own metrics with it: a scrape is all or nothing. */
function toldOnce(read: ReadSubscriptions, onError: (error: unknown) => void): ReadSubscriptions {
  let told = false
  return async () => {
    try {
      const readings = await read()
      told = false
      return readings
    } catch (error) {
      if (!told) onError(error)
      told = true
      return []
    }
  }
}

function reportUnread(error: unknown): void {
  const { name, message } = nameError(error)
  process.stderr.write(`tidings: the subscriptions could not be read (${name}: ${message})\n`)
}

/** A scrape asks all metrics at once: they share one reading. */
function shareReading(read: ReadSubscriptions): ReadSubscriptions {
  let reading: Promise<readonly SubscriptionReading[]> | undefined
  return () =>
    (reading ??= read().finally(() => {
      reading = undefined
    }))
}
