import type { AnyDefinition } from '../contract/definition.ts'
import type { AnySubscription } from '../delivery/define-subscription.ts'
import type { Composition } from '../messaging/routes.ts'

/** What an application delivers. */
export interface DeliveryComposition {
  readonly subscriptions: readonly AnySubscription[]
  /** Contracts that subscriptions name, and perhaps no module lists. */
  readonly definitions: readonly AnyDefinition[]
  readonly problems: readonly string[]
}

/** Reads what is left of the modules when commands have taken theirs. */
export function composeDelivery({ others }: Pick<Composition, 'others'>): DeliveryComposition {
  const subscriptions: AnySubscription[] = []
  const problems: string[] = []
  for (const { module, part } of others) {
    if (part.kind === 'subscription') subscriptions.push(part as AnySubscription)
    else {
      problems.push(
        `Module '${module}' has a part of kind '${part.kind}', which this version does not know.`,
      )
    }
  }
  const definitions = subscriptions.flatMap(({ plan }) =>
    plan.events.filter((chosen) => typeof chosen !== 'string'),
  )
  return { subscriptions, definitions, problems }
}
