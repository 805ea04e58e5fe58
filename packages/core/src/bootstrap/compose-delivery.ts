import type { AnyDefinition } from '../contract/definition.ts'
import type { AnySubscription } from '../delivery/define-subscription.ts'
import type { AnyWorker } from '../delivery/define-worker.ts'
import { taskEvents } from '../delivery/task-events.ts'
import type { Composition } from '../messaging/routes.ts'

/** What an application delivers. */
export interface DeliveryComposition {
  readonly subscriptions: readonly AnySubscription[]
  readonly workers: readonly AnyWorker[]
  /** Contracts that subscriptions name, and perhaps no module lists. */
  readonly definitions: readonly AnyDefinition[]
  readonly problems: readonly string[]
}

/** Reads what is left of the modules when commands have taken theirs. */
export function composeDelivery({ others }: Pick<Composition, 'others'>): DeliveryComposition {
  const subscriptions: AnySubscription[] = []
  const workers: AnyWorker[] = []
  const problems: string[] = []
  for (const { module, part } of others) {
    if (part.kind === 'subscription') subscriptions.push(part as AnySubscription)
    else if (part.kind === 'worker') workers.push(part as AnyWorker)
    else {
      problems.push(
        `Module '${module}' has a part of kind '${part.kind}', which this version does not know.`,
      )
    }
  }
  const chosen = subscriptions.flatMap(({ plan }) =>
    plan.events.filter((one) => typeof one !== 'string'),
  )
  const tasks = workers.map(({ task }) => task)
  // What the runtime records of tasks is known wherever there are some.
  const definitions = [...chosen, ...tasks, ...(tasks.length > 0 ? taskEvents : [])]
  return { subscriptions, workers, definitions, problems }
}
