import type { Envelope } from '../contract/envelope.ts'
import { runOutside } from '../internal/flow.ts'
import {
  eventSubject,
  type Alert,
  type AlertRule,
  type Breach,
  type SilenceRule,
  type ValueRule,
  type WatchRule,
} from './alert.ts'
import { AlertOutbox, reportLostAlert } from './alert-outbox.ts'
import { compileRules, silentSubject, type CompiledRule } from './alert-rules.ts'
import { completeOptions, type AlertOptions, type Settings } from './alert-settings.ts'
import { redactorOf, redactorOfAll, summarizeError } from './describe-error.ts'
import { Incidents } from './incidents.ts'
import type { CommandFact, FailedLateFact, HandledFact, Observations } from './observations.ts'
import { disposeAll, invalid, requireNumber, requireObservations } from './options.ts'
import { Readings } from './readings.ts'
import { watchSubscriptions } from './watch-subscriptions.ts'

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
  const settings = completeOptions(options)
  requireReading(compiled, settings)
  return new AlertWatch(observations, compiled, settings)
}

/** @throws {UsageError} a rule about subscriptions, and nothing that reads them */
function requireReading(rules: readonly CompiledRule[], { subscriptions }: Settings): void {
  if (typeof subscriptions === 'function') return
  const [watched] = watchRulesOf(rules)
  if (watched === undefined && subscriptions === undefined) return
  throw invalid(
    `Rules about subscriptions ('${watched?.name ?? ''}') need 'subscriptions', a function that reads them: () => app.admin.subscriptions().`,
  )
}

function watchRulesOf(rules: readonly CompiledRule[]): readonly CompiledRule<WatchRule>[] {
  return (['subscription', 'parked', 'lag'] as const).flatMap((kind) => [...rulesOf(rules, kind)])
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
  readonly #watches: readonly CompiledRule<WatchRule>[]
  readonly #readings: Readings
  readonly #looks = new Map<string, Promise<void>>()
  readonly #attached: readonly Disposable[]
  readonly #stop = new AbortController()
  #ticking = false
  #closed: Promise<void> | undefined

  constructor(observations: Observations, rules: readonly CompiledRule[], settings: Settings) {
    this.#settings = settings
    this.#incidents = new Incidents(settings)
    this.#outbox = new AlertOutbox({ ...settings, onFailure: settings.onError })
    const { clock, readTimeoutMs: limitMs, onError } = settings
    const { signal } = this.#stop
    this.#readings = new Readings({
      clock,
      limitMs,
      signal,
      onError: (error) => onError(error, undefined),
    })
    const nowMs = clock.now()
    this.#silences = rulesOf(rules, 'silence').map((rule) => ({ rule, lastMs: nowMs }))
    this.#values = rulesOf(rules, 'value')
    this.#watches = watchRulesOf(rules)
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
        observations.failedLate.observe((fact) => {
          for (const rule of errors) this.#onFailedLate(rule, fact)
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

  /** One that is about several events, or none, is heard by the rules for all types alone. */
  #onFailedLate(rule: CompiledRule, { events, handler, error }: FailedLateFact): void {
    const types = events.length === 0 ? [''] : events.map(({ eventType }) => eventType)
    if (!types.some((type) => rule.matches(type))) return
    const redact = redactorOfAll(events, this.#settings.sensitiveOf)
    const { name, message } = summarizeError(error, redact)
    this.#breached(rule, {
      subject: `handler ${handler}`,
      title: `Handler '${handler}' failed later than its events`,
      message: `${name}: ${message}`,
      ...(events[0] && { correlationId: events[0].correlationId }),
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
    if (reportedMs === undefined || !(reportedMs > rule.rule.overMs)) return
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
    await Promise.all([
      ...this.#values.map((rule) => this.#look(rule.name, () => this.#checkValue(rule))),
      this.#look('~subscriptions', () => this.#checkSubscriptions()),
    ])
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
    const value = await this.#readings.read(rule.name, async () =>
      requireNumber(await rule.rule.read()),
    )
    if (value !== undefined) this.#judgeValue(rule, value)
  }

  async #checkSubscriptions(): Promise<void> {
    const { subscriptions, clock } = this.#settings
    if (subscriptions === undefined || this.#watches.length === 0) return
    const readings = await this.#readings.read('~subscriptions', subscriptions)
    if (readings === undefined) return
    const watching = { incidents: this.#incidents, nowMs: clock.now() }
    for (const alert of watchSubscriptions(readings, this.#watches, watching)) this.#send(alert)
  }

  /** One that still goes on is joined: what hangs must hold up no other look, nor be looked at twice. */
  #look(name: string, work: () => Promise<void>): Promise<void> {
    const known = this.#looks.get(name)
    if (known !== undefined) return known
    const look = work().finally(() => this.#looks.delete(name))
    this.#looks.set(name, look)
    return look
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
    const looked = this.#silences.length + this.#values.length + this.#watches.length
    const isNeeded = looked + this.#incidents.size > 0
    if (this.#ticking || !isNeeded || this.#stop.signal.aborted) return
    this.#ticking = true
    const { clock, checkEveryMs } = this.#settings
    // What is broken is told within the handler that broke it: the timer belongs to no message.
    runOutside(() => clock.sleep(checkEveryMs, { signal: this.#stop.signal }))
      .then(() => {
        this.#ticking = false
        const checked = this.check()
        // Not behind the looks: one that hangs must not put off the next silence or recovery.
        this.#tick()
        return checked
      })
      .catch((error: unknown) => {
        // Closed; or the owner of failures failed itself, which must not end the watch.
        if (!this.#stop.signal.aborted) reportLostAlert(error, undefined)
      })
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
