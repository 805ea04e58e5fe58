import { LinkedAbort } from '../internal/linked-abort.ts'
import { TimeoutError } from '../errors/queue-errors.ts'
import { isTidingsError } from '../errors/tidings-error.ts'
import { WebhookError } from '../errors/webhook-error.ts'
import { backoffMs, type Random } from '../internal/backoff.ts'
import type { Clock } from '../internal/clock.ts'
import { runOutside } from '../internal/flow.ts'
import type { Alert, AlertFailure, AlertRetry, AlertSender } from './alert.ts'

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
    this.#sending ??= runOutside(() => this.#sendAll()).finally(() => {
      this.#sending = undefined
    })
  }

  async #sendAll(): Promise<void> {
    for (let alert = this.#waiting.shift(); alert !== undefined; alert = this.#waiting.shift()) {
      try {
        await this.#sendOne(alert)
      } catch (error) {
        this.#giveUp(error, alert)
      }
    }
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
    const { send, clock, sendTimeoutMs } = this.#ports
    const ended = new LinkedAbort(this.#stop.signal)
    const { signal } = ended
    const late = clock.sleep(sendTimeoutMs, { signal }).then(() => {
      throw new TimeoutError('The sending of an alert', sendTimeoutMs)
    })
    // Asynchronous, so that one that throws at once leaves no sleeper behind.
    const sent = (async () => send(alert, { signal }))()
    try {
      await Promise.race([sent, late])
    } finally {
      ended.abort()
    }
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
    await this.#sending
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
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  process.stderr.write(`tidings: ${what} (${why})\n`)
}
