import { redactorOf } from './describe-error.ts'
import { loggableError } from './loggable-error.ts'
import type { Logging, LogLevels } from './log-levels.ts'
import type {
  AttemptFailedFact,
  Observations,
  ParkedFact,
  PassedOverFact,
  SubscriptionFact,
  SweptFact,
} from './observations.ts'

type What = keyof LogLevels

const WHAT_NEXT: Readonly<Record<AttemptFailedFact['decision'], string>> = {
  retry: 'it is tried again',
  later: 'it is put aside, and tried again later',
  dead: 'it is put aside, and waits for a person',
  skip: 'it is skipped',
  stop: 'the subscription has failed',
  outage: 'nothing succeeds, so it is kept',
}

const LEVEL_OF_DECISION: Readonly<Record<AttemptFailedFact['decision'], What>> = {
  retry: 'retried',
  later: 'retried',
  dead: 'failed',
  skip: 'skipped',
  stop: 'failed',
  outage: 'retried',
}

/** Writes what durable subscriptions do. Only the points that something is written of are observed. */
export function logSubscriptions(observations: Observations, logging: Logging): Disposable[] {
  const { subscription, attemptFailed, parked, passedOver, swept } = observations
  const writes = (...what: readonly What[]): boolean =>
    what.some((one) => logging.writers[one] !== undefined)
  const attached: Disposable[] = []
  if (writes('subscription', 'subscriptionHeld', 'subscriptionFailed'))
    attached.push(subscription.observe((fact) => logState(fact, logging)))
  if (writes('failed', 'retried', 'skipped'))
    attached.push(attemptFailed.observe((fact) => logAttempt(fact, logging)))
  if (writes('parked', 'behind', 'resolved'))
    attached.push(parked.observe((fact) => logParked(fact, logging)))
  if (writes('skipped', 'undeclared'))
    attached.push(passedOver.observe((fact) => logPassedOver(fact, logging)))
  if (writes('swept')) attached.push(swept.observe((fact) => logSwept(fact, logging)))
  return attached
}

function levelOfState(state: string): What {
  if (state === 'failed' || state === 'outage') return 'subscriptionFailed'
  return state === 'paused' || state === 'waiting' ? 'subscriptionHeld' : 'subscription'
}

function logState(
  { subscription, from, to, reason }: SubscriptionFact,
  { writers }: Logging,
): void {
  const why = reason === '' ? '' : `: ${reason}`
  const facts = { subscription, from, state: to, reason }
  writers[levelOfState(to)]?.(facts, `subscription '${subscription}' is ${to}${why}`)
}

function logAttempt(
  { subscription, event, attempt, error, decision }: AttemptFailedFact,
  { writers, sensitiveOf, eventFields }: Logging,
): void {
  const err = loggableError(error, redactorOf(event, sensitiveOf))
  const said = `subscription '${subscription}' failed on ${event.eventType} ${event.eventId}, attempt ${attempt}: ${WHAT_NEXT[decision]}`
  writers[LEVEL_OF_DECISION[decision]]?.(
    { ...eventFields(event), subscription, attempt, decision, err },
    said,
  )
}

function logParked(
  { subscription, event, key, what, reason, total }: ParkedFact,
  { writers, sensitiveOf, eventFields }: Logging,
): void {
  const shownKey = redactorOf(event, sensitiveOf)(key)
  const facts = { ...eventFields(event), subscription, key: shownKey, reason, parked: total }
  const of = `${event.eventType} ${event.eventId}`
  if (what === 'resolved')
    return writers.resolved?.(facts, `subscription '${subscription}' finished the parked ${of}`)
  const write = reason === 'behind' ? writers.behind : writers.parked
  write?.(facts, `subscription '${subscription}' parked ${of} (${reason}): ${total} are parked`)
}

function logPassedOver(
  { subscription, event, why }: PassedOverFact,
  { writers, eventFields }: Logging,
): void {
  // What a rule skips is told with its failure.
  if (why === 'skipped') return
  const write = why === 'undeclared' ? writers.undeclared : writers.skipped
  const of = `${event.eventType} ${event.eventId}`
  write?.(
    { ...eventFields(event), subscription, why },
    `subscription '${subscription}' passed over ${of}: ${why}`,
  )
}

function logSwept({ what, source, count, before }: SweptFact, { writers }: Logging): void {
  const of = source === undefined ? what : `${what} of ${source}`
  writers.swept?.({ what, source, count, before }, `forgot ${count} of ${of} from before ${before}`)
}
