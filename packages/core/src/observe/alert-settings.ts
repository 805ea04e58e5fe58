import type { Envelope } from '../contract/envelope.ts'
import type { Random } from '../internal/backoff.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import { withDefaults } from '../internal/with-defaults.ts'
import type { AlertFailure, AlertRetry, AlertSender } from './alert.ts'
import { DEFAULT_RETRY, reportLostAlert } from './alert-outbox.ts'
import { defaultAgentOf, defaultReportedMsOf, type NameOf } from './event-facts.ts'
import { invalid, requireCount, requireFunctions, requireMs } from './options.ts'
import type { SensitiveOf } from './redact.ts'
import type { ReadSubscriptions } from './subscription-reading.ts'

export interface AlertOptions {
  /** A function, or `webhook(url)`. It is called for one alert at a time, in order. */
  readonly send: AlertSender
  /** How a failed sending is tried again: 5 times, after 1 s, 2 s … by default. */
  readonly retry?: Partial<AlertRetry>
  /** One try may take so long, then it counts as failed; 30,000 by default. */
  readonly sendTimeoutMs?: number
  /** One look at a value, or at the subscriptions, may take so long; 30,000 by default. */
  readonly readTimeoutMs?: number
  /** Told of an alert that could not be sent, after the last try; standard error by default. */
  readonly onError?: AlertFailure
  /** Without another breach for so long, an `error`, `slow` or `event` alert is over; 300,000 by default. */
  readonly recoverAfterMs?: number
  /** While it goes on it is sent again after so long; 3,600,000 by default, 0: never. */
  readonly remindAfterMs?: number
  /** How often silence, values and recoveries are looked at; 5,000 by default. */
  readonly checkEveryMs?: number
  /** Whose event it is; `payload.agentId`, else `metadata.source`, by default. */
  readonly agentOf?: NameOf
  /** Milliseconds that an event says something took; `payload.executionTimeMs` by default. */
  readonly reportedMsOf?: (event: Envelope) => number | undefined
  /** For rules about subscriptions: `() => app.admin.subscriptions()`. */
  readonly subscriptions?: ReadSubscriptions
  /** Whose values are kept out of messages; `sensitiveIn(app.registry)`. */
  readonly sensitiveOf?: SensitiveOf
  readonly clock?: Clock
  /** For tests. */
  readonly random?: Random
}

/** Options, complete. */
export type Settings = Required<Omit<AlertOptions, 'retry' | 'subscriptions'>> & {
  readonly retry: AlertRetry
  readonly subscriptions: ReadSubscriptions | undefined
}

const DEFAULTS: Omit<Settings, 'send' | 'subscriptions'> = {
  retry: DEFAULT_RETRY,
  sendTimeoutMs: 30_000,
  readTimeoutMs: 30_000,
  onError: reportLostAlert,
  recoverAfterMs: 300_000,
  remindAfterMs: 3_600_000,
  checkEveryMs: 5000,
  agentOf: defaultAgentOf,
  reportedMsOf: defaultReportedMsOf,
  sensitiveOf: () => [],
  clock: systemClock,
  random: Math.random,
}

/** @throws {UsageError} an option that cannot be */
export function completeOptions(options: AlertOptions): Settings {
  if (typeof options?.send !== 'function')
    throw invalid("'send' is a function that takes an alert, or webhook(url).")
  const retry = withDefaults(
    withDefaults(DEFAULT_RETRY, options.retry ?? {}),
    options.send.retry ?? {},
  )
  requireCount('retry.attempts', retry.attempts, 1)
  requireMs('retry.baseMs', retry.baseMs)
  requireMs('retry.maxMs', retry.maxMs)
  const settings = {
    ...withDefaults(DEFAULTS, { ...options, retry }),
    send: options.send,
    subscriptions: options.subscriptions,
  }
  requireCount('sendTimeoutMs', settings.sendTimeoutMs, 1)
  requireCount('readTimeoutMs', settings.readTimeoutMs, 1)
  requireMs('recoverAfterMs', settings.recoverAfterMs)
  requireMs('remindAfterMs', settings.remindAfterMs)
  requireCount('checkEveryMs', settings.checkEveryMs, 1)
  const { onError, agentOf, reportedMsOf, sensitiveOf, random } = settings
  requireFunctions({ onError, agentOf, reportedMsOf, sensitiveOf, random })
  return settings
}
