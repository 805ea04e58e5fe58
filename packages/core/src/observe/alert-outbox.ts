import { isTidingsError } from '../errors/tidings-error.ts'
import { WebhookError } from '../errors/webhook-error.ts'
import { backoffMs, type Random } from '../internal/backoff.ts'
import type { Clock } from '../internal/clock.ts'
import { runOutside } from '../internal/flow.ts'
import type { Alert, AlertFailure, AlertRetry, AlertSender } from './alert.ts'
import { nameError } from './describe-error.ts'
import { withinLimit } from './within-limit.ts'

export const DEFAULT_RETRY: AlertRetry = { attempts: 5, baseMs: 1000, maxMs: 60_000 }

/** Alerts that wait beyond it are given up, the oldest first, into `onFailure`. */
const MAX_WAITING = 1000

export interface OutboxPorts {
  readonly send: AlertSender
  readonly retry: AlertRetry
  /** One try may take so long: a sender that hangs must not hold up all later alerts. */
  readonly sendTimeoutMs: number
  readonly onFailure: AlertFailure
  readonly clock: Clock
  readonly random: Random
}

/**
 * Sends alerts one after the other, so that a recovery never overtakes its alert. What cannot be sent
 * goes to `onFailure`: none is lost in silence.
 *
 * idle → sending (until none waits) → idle; closed for good by `close`.
 */
export class AlertOutbox {
  readonly #ports: OutboxPorts
  readonly #waiting: Alert[] = []
  readonly #stop = new AbortController()
  #sending: Promise<void> | undefined

  constructor(ports: OutboxPorts) {
    this.#ports = ports
  }

  add(alert: Alert): void {
    if (this.#stop.signal.aborted) return this.#giveUp(this.#stop.signal.reason, alert)
    this.#waiting.push(alert)
    if (this.#waiting.length > MAX_WAITING)
      this.#giveUp(
        new Error(`More than ${MAX_WAITING} alerts wait to be sent.`),
        this.#waiting.shift()!,
      )
    // Not within the message that broke the rule: what a sender does is no effect of it.
    this.#sending ??= runOutside(() => this.#sendAll())
  }

  async #sendAll(): Promise<void> {
    for (let alert = this.#waiting.shift(); alert !== undefined; alert = this.#waiting.shift()) {
      try {
        await this.#sendOne(alert)
      } catch (error) {
        this.#giveUp(error, alert)
      }
    }
    // Here, and not when the promise is known to be over: what is added in between would wait for the next.
    this.#sending = undefined
  }

  async #sendOne(alert: Alert): Promise<void> {
    const { retry, clock, random } = this.#ports
    const { signal } = this.#stop
    for (let attempt = 1; ; attempt++) {
      let askedMs = 0
      signal.throwIfAborted()
      try {
        await this.#trySend(alert)
        return
      } catch (error) {
        if (signal.aborted || attempt >= retry.attempts || isHopeless(error)) throw error
        // Who says when to come again is not asked before.
        if (error instanceof WebhookError) askedMs = error.retryAfterMs ?? 0
      }
      const delayMs = Math.max(askedMs, backoffMs(attempt, { ...retry, random }))
      await clock.sleep(delayMs, { signal })
    }
  }

  /** A sender that heeds no signal is not waited for once it is aborted, or its time is over. */
  async #trySend(alert: Alert): Promise<void> {
    const { send, clock, sendTimeoutMs: limitMs } = this.#ports
    const limit = { clock, limitMs, what: 'The sending of an alert', signal: this.#stop.signal }
    await withinLimit(async (signal) => send(alert, { signal }), limit)
  }

  #giveUp(error: unknown, alert: Alert): void {
    try {
      this.#ports.onFailure(error, alert)
    } catch (failure) {
      reportLostAlert(failure, alert)
    }
  }

  /** Sends what waits, for at most `timeoutMs`; the rest goes to `onFailure`. */
  async close(timeoutMs: number): Promise<void> {
    const { clock } = this.#ports
    const done = new AbortController()
    const late = clock.sleep(timeoutMs, { signal: done.signal }).then(
      () =>
        this.#stop.abort(
          new Error(`The alerts were closed; it could not be sent within ${timeoutMs} ms.`),
        ),
      // Everything was sent before.
      () => undefined,
    )
    while (this.#sending !== undefined) await this.#sending
    done.abort()
    await late
    if (!this.#stop.signal.aborted) this.#stop.abort(new Error('The alerts are closed.'))
  }
}

/** Only an error of ours says that trying again cannot help; of others nobody knows. */
function isHopeless(error: unknown): boolean {
  return isTidingsError(error) && !error.retryable
}

/** The default owner of an alert that could not be sent: one readable entry on standard error. */
export function reportLostAlert(error: unknown, alert: Alert | undefined): void {
  const what =
    alert === undefined
      ? 'an alert rule failed'
      : `an alert was not sent: ${alert.title}: ${alert.message}`
  const { name, message } = nameError(error)
  process.stderr.write(`tidings: ${what} (${name}: ${message})\n`)
}
