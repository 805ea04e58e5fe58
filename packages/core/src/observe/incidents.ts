import { toIsoTime } from '../internal/time.ts'
import type { Alert, AlertRule, Breach } from './alert.ts'
import type { CompiledRule } from './alert-rules.ts'

export interface IncidentTimes {
  /** Without a breach for so long, an incident of an event that came (error, slow, event) is over. */
  readonly recoverAfterMs: number
  /** While it goes on, it is said again after so long; 0: never. */
  readonly remindAfterMs: number
}

/** A rule that is broken for a subject. */
interface Incident {
  readonly id: string
  readonly rule: CompiledRule
  /** Of all subjects for which there was no place any more. */
  readonly isShared: boolean
  readonly sinceMs: number
  breach: Breach
  lastBreachMs: number
  lastSentMs: number
  count: number
}

/** Subjects beyond it share one incident: names that are made of ids must not fill the memory. */
const MAX_INCIDENTS = 1000

/**
 * Which rules are broken for which subjects, and what is to be said of it: once when it begins, again
 * after `remindAfterMs`, once when it is over. Knows no clock and sends nothing.
 */
export class Incidents {
  readonly #open = new Map<string, Incident>()
  readonly #times: IncidentTimes
  #lastId = 0

  constructor(times: IncidentTimes) {
    this.#times = times
  }

  /** How many go on. */
  get size(): number {
    return this.#open.size
  }

  /** @returns the alert that is to be sent, if this begins an incident or it is time for a reminder */
  breached(rule: CompiledRule, breach: Breach, nowMs: number): Alert | undefined {
    const key = this.#placeOf(rule, breach.subject)
    const incident = this.#open.get(key)
    if (incident === undefined) return this.#begin(key, { rule, breach, nowMs })
    incident.lastBreachMs = nowMs
    incident.breach = breach
    incident.count++
    return this.#remind(incident, nowMs)
  }

  /** @returns the recovery, if the rule was broken for the subject */
  recovered(rule: CompiledRule, subject: string, nowMs: number): Alert | undefined {
    // Never the shared one: that this subject is well says nothing of the others.
    const key = keyOf(rule, subject)
    const incident = this.#open.get(key)
    if (incident === undefined) return undefined
    this.#open.delete(key)
    return toAlert(incident, 'recovered', nowMs)
  }

  /** @returns what time alone has brought: recoveries of what did not come again */
  passed(nowMs: number): Alert[] {
    const alerts: Alert[] = []
    for (const [key, incident] of this.#open) {
      if (isHeld(incident.rule) && !incident.isShared) continue
      // A clock that stepped back must not put the recovery off.
      if (nowMs < incident.lastBreachMs) incident.lastBreachMs = nowMs
      if (nowMs - incident.lastBreachMs < this.#times.recoverAfterMs) continue
      this.#open.delete(key)
      alerts.push(toAlert(incident, 'recovered', nowMs))
    }
    return alerts
  }

  #placeOf(rule: CompiledRule, subject: string): string {
    const key = keyOf(rule, subject)
    return this.#open.size < MAX_INCIDENTS || this.#open.has(key) ? key : sharedKeyOf(rule)
  }

  #begin(key: string, start: { rule: CompiledRule; breach: Breach; nowMs: number }): Alert {
    const { rule, breach, nowMs } = start
    const incident: Incident = {
      id: `${rule.name}/${nowMs.toString(36)}-${++this.#lastId}`,
      rule,
      isShared: key === sharedKeyOf(rule),
      breach,
      sinceMs: nowMs,
      lastBreachMs: nowMs,
      lastSentMs: nowMs,
      count: 1,
    }
    this.#open.set(key, incident)
    return toAlert(incident, 'firing', nowMs)
  }

  #remind(incident: Incident, nowMs: number): Alert | undefined {
    const { remindAfterMs } = this.#times
    // A clock that stepped back must not put the reminder off.
    if (nowMs < incident.lastSentMs) incident.lastSentMs = nowMs
    if (remindAfterMs === 0 || nowMs - incident.lastSentMs < remindAfterMs) return undefined
    incident.lastSentMs = nowMs
    return toAlert(incident, 'firing', nowMs)
  }
}

function keyOf({ name }: CompiledRule, subject: string): string {
  return JSON.stringify([name, subject])
}

function sharedKeyOf({ name }: CompiledRule): string {
  return JSON.stringify([name])
}

const HELD: ReadonlySet<AlertRule['kind']> = new Set<AlertRule['kind']>([
  'silence',
  'value',
  'subscription',
  'parked',
  'lag',
])

/**
 * Silence, values and subscriptions are looked at: they are over when a look says so, not when time has
 * passed. (That many subjects share: no look tells of it, so time does.)
 */
function isHeld({ rule }: CompiledRule): boolean {
  return HELD.has(rule.kind)
}

function toAlert(incident: Incident, state: Alert['state'], nowMs: number): Alert {
  const { id, rule, breach, sinceMs, count } = incident
  const { subject, message, correlationId } = breach
  const title = state === 'firing' ? breach.title : `Recovered: ${breach.title}`
  return {
    id,
    state,
    rule: rule.name,
    kind: rule.rule.kind,
    severity: rule.severity,
    subject,
    title,
    message,
    since: toIsoTime(sinceMs),
    at: toIsoTime(nowMs),
    count,
    ...(correlationId === undefined ? {} : { correlationId }),
  }
}
