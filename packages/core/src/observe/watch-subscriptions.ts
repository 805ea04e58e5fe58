import type { Alert, Breach, LagRule, ParkedRule, SubscriptionRule, WatchRule } from './alert.ts'
import type { CompiledRule } from './alert-rules.ts'
import type { Incidents } from './incidents.ts'
import type { SubscriptionReading } from './subscription-reading.ts'

const TROUBLED: readonly string[] = ['outage', 'failed', 'paused']

/** What a rule has against a subscription as it was read; undefined: nothing. Pure. */
function judgeSubscription(rule: WatchRule, reading: SubscriptionReading): Breach | undefined {
  switch (rule.kind) {
    case 'subscription':
      return judgeState(rule, reading)
    case 'parked':
      return judgeParked(rule, reading)
    default:
      return judgeLag(rule, reading)
  }
}

function judgeState(
  { states = TROUBLED }: SubscriptionRule,
  { name, state, reason, owner }: SubscriptionReading,
): Breach | undefined {
  const subject = subjectOf(name)
  if (states.includes(state))
    return { subject, title: `Subscription '${name}' is ${state}`, message: reason }
  const isUnowned = owner === undefined && state !== 'stopped'
  if (!isUnowned || !states.includes('unowned')) return undefined
  return {
    subject,
    title: `Nobody runs subscription '${name}'`,
    message: `Its last owner was ${state} and did not let go of it in good order.`,
  }
}

function judgeParked(
  { above = 0, only }: ParkedRule,
  { name, parked, deadLetters }: SubscriptionReading,
): Breach | undefined {
  const count = only === undefined ? parked : deadLetters
  if (count <= above) return undefined
  const what = only === undefined ? 'events are parked' : 'dead letters wait for a person'
  return {
    subject: subjectOf(name),
    title: `Events of subscription '${name}' are parked`,
    message: `${count} ${what}; the most allowed is ${above}.`,
  }
}

function judgeLag(
  { overMs = Infinity, overEvents = Infinity }: LagRule,
  { name, lagMs, lagEvents }: SubscriptionReading,
): Breach | undefined {
  if (lagMs <= overMs && lagEvents <= overEvents) return undefined
  const most = [
    ...(overMs === Infinity ? [] : [`${overMs} ms`]),
    ...(overEvents === Infinity ? [] : [`${overEvents} positions`]),
  ]
  return {
    subject: subjectOf(name),
    title: `Subscription '${name}' lags`,
    message: `It lags by ${lagEvents} positions and ${Math.round(lagMs)} ms; the limit is ${most.join(' or ')}.`,
  }
}

function subjectOf(name: string): string {
  return `subscription ${name}`
}

/** @returns what is to be said of the subscriptions as they were read */
export function watchSubscriptions(
  readings: readonly SubscriptionReading[],
  rules: readonly CompiledRule<WatchRule>[],
  { incidents, nowMs }: { readonly incidents: Incidents; readonly nowMs: number },
): Alert[] {
  return rules.flatMap((rule) =>
    readings
      .filter(({ name }) => rule.matches(name))
      .flatMap((reading) => {
        const breach = judgeSubscription(rule.rule, reading)
        const alert =
          breach === undefined
            ? incidents.recovered(rule, subjectOf(reading.name), nowMs)
            : incidents.breached(rule, breach, nowMs)
        return alert ?? []
      }),
  )
}
