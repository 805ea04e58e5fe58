import type { Envelope } from '../contract/envelope.ts'
import type { Random } from '../internal/backoff.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import { runOutside } from '../internal/flow.ts'
import { withDefaults } from '../internal/with-defaults.ts'
import {
  eventSubject,
  type Alert,
  type AlertFailure,
  type AlertRetry,
  type AlertRule,
  type AlertSender,
  type Breach,
  type SilenceRule,
  type ValueRule,
} from './alert.ts'
import { AlertOutbox, DEFAULT_RETRY, reportLostAlert } from './alert-outbox.ts'
import { compileRules, silentSubject, type CompiledRule } from './alert-rules.ts'
import { redactorOf, summarizeError } from './describe-error.ts'
import { defaultAgentOf, defaultReportedMsOf, type NameOf } from './event-facts.ts'
import { Incidents } from './incidents.ts'
import type { CommandFact, HandledFact, Observations } from './observations.ts'
import {
  disposeAll,
  invalid,
  requireCount,
  requireFunctions,
  requireMs,
  requireObservations,
} from './options.ts'
import type { SensitiveOf } from './redact.ts'

export interface AlertOptions {
  /** A function, or `webhook(url)`. It is called for one alert at a time, in order. */
  readonly send: AlertSender
  /** How a failed sending is tried again: 5 times, after 1 s, 2 s … by default. */
  readonly retry?: Partial<AlertRetry>
  /** One try may take so long, then it counts as failed; 30,000 by default. */
  readonly sendTimeoutMs?: number
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
  /** Whose values are kept out of messages; `sensitiveIn(app.registry)`. */
  readonly sensitiveOf?: SensitiveOf
  readonly clock?: Clock
  /** For tests. */
  readonly random?: Random
}

export interface Alerts extends Disposable, AsyncDisposable {
  /** How many rules are broken now, each subject counted. */
  readonly firing: number
  /** Looks at silence, values and recoveries now, rather than at the next time. */
  check(): Promise<void>
  /**
   * Observes no more, sends what waits for at most `timeoutMs` (10,000 by default), and hands the rest
   * to `onError`. Twice is once. (`Symbol.dispose` does the same, without being waited for.)
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

type Settings = Required<Omit<AlertOptions, 'retry'>> & { readonly retry: AlertRetry }

/**
 * Watches an application by rules, and tells of each rule and subject once when it is broken, once when
 * it is over.
 *
 * With rules of kind `silence` or `value`, and while something is broken, a timer runs: `close` ends it.
 *
 * @throws {UsageError} a rule or an option that cannot be kept, with its place
 */
export function createAlerts(
  observations: Observations,
  rules: readonly AlertRule[],
  options: AlertOptions,
): Alerts {
  requireObservations(observations)
  const compiled = compileRules(rules)
  return new AlertWatch(observations, compiled, completeOptions(options))
}

const DEFAULTS: Omit<Settings, 'send'> = {
  retry: DEFAULT_RETRY,
  sendTimeoutMs: 30_000,
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

function completeOptions(options: AlertOptions): Settings {
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
  }
  requireCount('sendTimeoutMs', settings.sendTimeoutMs, 1)
  requireMs('recoverAfterMs', settings.recoverAfterMs)
  requireMs('remindAfterMs', settings.remindAfterMs)
  requireCount('checkEveryMs', settings.checkEveryMs, 1)
  const { onError, agentOf, reportedMsOf, sensitiveOf, random } = settings
  requireFunctions({ onError, agentOf, reportedMsOf, sensitiveOf, random })
  return settings
}

function rulesOf<Kind extends AlertRule['kind']>(
  rules: readonly CompiledRule[],
  kind: Kind,
): readonly CompiledRule<Extract<AlertRule, { readonly kind: Kind }>>[] {
  return rules.filter(({ rule }) => rule.kind === kind) as never
}

interface Silence {
  readonly rule: CompiledRule<SilenceRule>
  lastMs: number
}

/** watching → closed. Its timer runs only while there is something to look at. */
class AlertWatch implements Alerts {
  readonly #settings: Settings
  readonly #incidents: Incidents
  readonly #outbox: AlertOutbox
  readonly #silences: readonly Silence[]
  readonly #values: readonly CompiledRule<ValueRule>[]
  readonly #unreadable = new Set<string>()
  readonly #attached: readonly Disposable[]
  readonly #stop = new AbortController()
  #ticking = false
  #closed: Promise<void> | undefined

  constructor(observations: Observations, rules: readonly CompiledRule[], settings: Settings) {
    this.#settings = settings
    this.#incidents = new Incidents(settings)
    this.#outbox = new AlertOutbox({ ...settings, onFailure: settings.onError })
    const nowMs = settings.clock.now()
    this.#silences = rulesOf(rules, 'silence').map((rule) => ({ rule, lastMs: nowMs }))
    this.#values = rulesOf(rules, 'value')
    this.#attached = this.#observe(observations, rules)
    this.#tick()
  }

  /** Only the points that a rule needs: the others go on costing nothing. */
  #observe(observations: Observations, rules: readonly CompiledRule[]): Disposable[] {
    const errors = rulesOf(rules, 'error')
    const slow = rulesOf(rules, 'slow')
    const events = rulesOf(rules, 'event')
    const attached: Disposable[] = []
    if (errors.length + slow.length > 0) {
      attached.push(
        observations.handled.observe((fact) => {
          if (fact.failed) for (const rule of errors) this.#onFailed(rule, fact)
          for (const rule of slow) this.#onSlow(rule, fact)
        }),
        observations.command.observe((fact) => {
          if (fact.failed) for (const rule of errors) this.#onCommandFailed(rule, fact)
          for (const rule of slow) this.#onSlowCommand(rule, fact)
        }),
      )
    }
    if (slow.length + events.length + this.#silences.length > 0) {
      attached.push(
        observations.published.observe(({ event }) => {
          for (const rule of slow) this.#onReported(rule, event)
          for (const rule of events) this.#onEvent(rule, event)
          for (const silence of this.#silences) this.#onSound(silence, event)
        }),
      )
    }
    return attached
  }

  #onFailed(rule: CompiledRule, { event, handler, error }: HandledFact): void {
    if (!rule.matches(event.eventType)) return
    const { name, message } = summarizeError(error, redactorOf(event, this.#settings.sensitiveOf))
    this.#breached(rule, {
      subject: `handler ${handler}`,
      title: `Handler '${handler}' failed on ${event.eventType}`,
      message: `${name}: ${message}`,
      correlationId: event.correlationId,
    })
  }

  #onCommandFailed(rule: CompiledRule, { type, error, correlationId, redact }: CommandFact): void {
    if (!rule.matches(type)) return
    const { name, message } = summarizeError(error, redact)
    this.#breached(rule, {
      subject: `command ${type}`,
      title: `Command ${type} failed`,
      message: `${name}: ${message}`,
      correlationId,
    })
  }

  #onSlow(rule: CompiledRule<AlertRule & { kind: 'slow' }>, fact: HandledFact): void {
    const { event, handler, durationMs } = fact
    if (durationMs <= rule.rule.overMs || !rule.matches(event.eventType)) return
    this.#breached(rule, {
      subject: `handler ${handler}`,
      title: `Handler '${handler}' is slow on ${event.eventType}`,
      message: `It took ${Math.round(durationMs)} ms; the limit is ${rule.rule.overMs} ms.`,
      correlationId: event.correlationId,
    })
  }

  #onSlowCommand(rule: CompiledRule<AlertRule & { kind: 'slow' }>, fact: CommandFact): void {
    const { type, durationMs, correlationId } = fact
    if (durationMs <= rule.rule.overMs || !rule.matches(type)) return
    this.#breached(rule, {
      subject: `command ${type}`,
      title: `Command ${type} is slow`,
      message: `It took ${Math.round(durationMs)} ms; the limit is ${rule.rule.overMs} ms.`,
      correlationId,
    })
  }

  #onReported(rule: CompiledRule<AlertRule & { kind: 'slow' }>, event: Envelope): void {
    const { reportedMsOf, agentOf } = this.#settings
    const reportedMs = reportedMsOf(event)
    if (reportedMs === undefined || reportedMs <= rule.rule.overMs) return
    if (!rule.matches(event.eventType)) return
    const subject = eventSubject(event, agentOf(event))
    this.#breached(rule, {
      subject,
      title: `${subject} tells of slow work`,
      message: `It says ${Math.round(reportedMs)} ms; the limit is ${rule.rule.overMs} ms.`,
      correlationId: event.correlationId,
    })
  }

  #onEvent(rule: CompiledRule, event: Envelope): void {
    if (!rule.matches(event.eventType)) return
    const subject = eventSubject(event, this.#settings.agentOf(event))
    this.#breached(rule, {
      subject,
      title: subject,
      message: `${event.eventType} ${event.eventId} of ${event.timestamp}`,
      correlationId: event.correlationId,
    })
  }

  #onSound(silence: Silence, event: Envelope): void {
    const { rule } = silence.rule
    if (!silence.rule.matches(event.eventType)) return
    if (rule.source !== undefined && this.#settings.agentOf(event) !== rule.source) return
    const nowMs = this.#settings.clock.now()
    silence.lastMs = nowMs
    this.#send(this.#incidents.recovered(silence.rule, silentSubject(rule), nowMs))
  }

  #breached(rule: CompiledRule, breach: Breach): void {
    this.#send(this.#incidents.breached(rule, breach, this.#settings.clock.now()))
    this.#tick()
  }

  #send(alert: Alert | undefined): void {
    if (alert !== undefined) this.#outbox.add(alert)
  }

  get firing(): number {
    return this.#incidents.size
  }

  async check(): Promise<void> {
    if (this.#stop.signal.aborted) return
    const nowMs = this.#settings.clock.now()
    for (const alert of this.#incidents.passed(nowMs)) this.#outbox.add(alert)
    for (const silence of this.#silences) this.#checkSilence(silence, nowMs)
    await Promise.all(this.#values.map((rule) => this.#checkValue(rule)))
  }

  #checkSilence(silence: Silence, nowMs: number): void {
    const { forMs } = silence.rule.rule
    const subject = silentSubject(silence.rule.rule)
    // After a step back of the clock the silence is counted from there.
    if (nowMs < silence.lastMs) silence.lastMs = nowMs
    const silentMs = nowMs - silence.lastMs
    if (silentMs < forMs) return
    this.#breached(silence.rule, {
      subject,
      title: `No event ${subject} comes`,
      message: `None was published for ${silentMs} ms; the limit is ${forMs} ms.`,
    })
  }

  async #checkValue(rule: CompiledRule<ValueRule>): Promise<void> {
    let value: number | undefined
    try {
      value = await rule.rule.read()
      this.#unreadable.delete(rule.name)
    } catch (error) {
      // Said once, until it can be read again: every five seconds would bury everything else.
      if (!this.#unreadable.has(rule.name)) this.#settings.onError(error, undefined)
      this.#unreadable.add(rule.name)
    }
    if (value === undefined || this.#stop.signal.aborted) return
    this.#judgeValue(rule, value)
  }

  #judgeValue(rule: CompiledRule<ValueRule>, value: number): void {
    const { above, below, name } = rule.rule
    const isBroken =
      (above !== undefined && value > above) || (below !== undefined && value < below)
    if (!isBroken)
      return this.#send(this.#incidents.recovered(rule, name, this.#settings.clock.now()))
    const bound =
      above === undefined ? `the least allowed is ${below}` : `the most allowed is ${above}`
    this.#breached(rule, {
      subject: name,
      title: `${name} is ${value}`,
      message: `It is ${value}; ${bound}.`,
    })
  }

  /** One timer, while there is something that only time can tell. */
  #tick(): void {
    const isNeeded = this.#silences.length + this.#values.length + this.#incidents.size > 0
    if (this.#ticking || !isNeeded || this.#stop.signal.aborted) return
    this.#ticking = true
    const { clock, checkEveryMs } = this.#settings
    // What is broken is told within the handler that broke it: the timer belongs to no message.
    runOutside(() => clock.sleep(checkEveryMs, { signal: this.#stop.signal }))
      .then(() => this.check())
      .then(
        () => this.#tickAgain(),
        (error: unknown) => {
          // Closed; or the owner of failures failed itself, which must not end the watch.
          if (!this.#stop.signal.aborted) reportLostAlert(error, undefined)
          this.#tickAgain()
        },
      )
  }

  #tickAgain(): void {
    this.#ticking = false
    this.#tick()
  }

  close({ timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    return (this.#closed ??= this.#close(timeoutMs))
  }

  #close(timeoutMs: number): Promise<void> {
    disposeAll(this.#attached)
    this.#stop.abort(new Error('The alerts are closed.'))
    return this.#outbox.close(timeoutMs)
  }

  [Symbol.dispose](): void {
    void this.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
