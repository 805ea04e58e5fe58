import type { SubscriptionOverview } from 'tidings'
import { describeInLine } from '../admin/describe-subscription.ts'
import type { Translate } from '../texts/texts.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** What a subscription does, and what is to be done where it does not go on. */
export function checkSubscription(one: SubscriptionOverview, t: Translate): Finding {
  const check = `subscription ${one.name}`
  const text = describeInLine(one, t)
  if (one.state === 'failed') return fail(check, text, t('doctor.failed-todo', whatOf(one)))
  const todo = whatToDo(one, t)
  return todo === undefined ? ok(check, text) : warn(check, text, todo)
}

function whatToDo(one: SubscriptionOverview, t: Translate): string | undefined {
  const { name, owner, lastOwner, state, isPaused, deadLetters } = one
  if (owner === undefined && state !== 'stopped')
    return t('doctor.dead-owner-todo', { owner: lastOwner })
  if (state === 'outage') return t('doctor.outage-todo', whatOf(one))
  if (state === 'waiting') return t('doctor.waiting-todo', whatOf(one))
  if (isPaused) return t('doctor.paused-todo', whatOf(one))
  return deadLetters > 0 ? t('doctor.letters-todo', { name }) : undefined
}

function whatOf({ name, reason }: SubscriptionOverview): {
  readonly name: string
  readonly reason: string
} {
  return { name, reason: reason === '' ? '-' : reason }
}
