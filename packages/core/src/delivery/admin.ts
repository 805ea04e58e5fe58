import type { Registry } from '../contract/registry.ts'
import { OperationError } from '../errors/operation-errors.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import { systemIds, type IdSource } from '../internal/ids.ts'
import type { OperationRecord, OperationStore } from '../store/operation-store.ts'
import type { ParkedStore } from '../store/parked-store.ts'
import type { Store } from '../store/store.ts'
import { isDeadHere } from './dead-owner.ts'
import {
  describeSubscription,
  describeSubscriptions,
  type SubscriptionOverview,
} from './describe-subscription.ts'
import {
  followOperation,
  statusOf,
  type FollowOptions,
  type OperationStatus,
} from './follow-operation.ts'
import { planRedrive, type RedrivePlan, type RedriveQuestion } from './plan-redrive.ts'
import { isOfShards } from './shards.ts'
import {
  checkEdits,
  requestOperation,
  requireOperation,
  type OperationRequest,
} from './request-operation.ts'

/** Everything optional: a store is enough. */
export interface AdminOptions {
  /** The contracts that edited payloads are checked by; those declared in the log, without. */
  readonly registry?: Pick<Registry, 'event'> | undefined
  /** Told when an operation was stored, or shall end early: the owner, where it is in this process, looks at once. */
  readonly onRequested?: ((subscription: string) => void) | undefined
  /** Whether an owner is known to be dead, so that its lease does not count; processes of this machine by default. */
  readonly isDead?: ((owner: string) => boolean) | undefined
  /** For tests. */
  readonly clock?: Clock | undefined
  readonly ids?: IdSource | undefined
}

/**
 * Looks at the subscriptions of a log, and asks things of them. It carries out nothing itself: what is
 * asked is stored, and done by whoever owns the subscription.
 */
export interface Admin {
  /** All that ever ran on this log, in order of name. */
  subscriptions(): Promise<readonly SubscriptionOverview[]>
  /** @throws {UnknownSubscriptionError} with the nearest names */
  subscription(name: string): Promise<SubscriptionOverview>
  /** Dead letters and what else is put aside. */
  readonly parked: Omit<ParkedStore, 'sweep'>
  readonly operations: Pick<OperationStore, 'find' | 'list'>
  /**
   * Says what a redrive would do, and does none of it.
   *
   * @throws {UnknownSubscriptionError}
   * @throws {ContractError} an edited payload breaks its contract; {UsageError} it is that of none of them
   */
  planRedrive(question: RedriveQuestion): Promise<RedrivePlan>
  /**
   * Stores a request, checked, for the owner of the subscription to carry out.
   *
   * @throws {UnknownSubscriptionError} with the nearest names
   * @throws {NothingParkedError} nothing fits what is to be redriven or discarded
   * @throws {ContractError} an edited payload breaks its contract
   * @throws {OperationError} the id was used for another request
   * @throws {UsageError} a position beyond the log, a missing reason or name, a rate that is none
   */
  request(request: OperationRequest): Promise<OperationRecord>
  /** Asks that an operation ends early. One that has ended stays as it is. @throws {OperationError} there is none */
  cancel(
    operationId: string,
    who: { readonly by: string; readonly reason?: string | undefined },
  ): Promise<OperationRecord>
  /** Tells how far it is: at once, whenever that has changed, and last when it has ended. */
  follow(operationId: string, options?: FollowOptions): AsyncIterable<OperationStatus>
  /** Waits until it has ended. @throws {OperationError} there is none; the signal's reason */
  ended(operationId: string, options?: FollowOptions): Promise<OperationStatus>
}

const PAGE = 500

/** What people and tools do about the subscriptions of a log; it needs nothing but the store. */
export function createAdmin(store: Store, options: AdminOptions = {}): Admin {
  const { registry, onRequested, isDead = isDeadHere } = options
  const { clock = systemClock, ids = systemIds } = options
  const lookout = { clock, isDead }
  const follow: Admin['follow'] = (operationId, following = {}) =>
    followOperation(store, operationId, { ...following, clock })
  return {
    subscriptions: () => describeSubscriptions(store, lookout),
    subscription: (name) => describeSubscription(store, name, lookout),
    parked: store.parked,
    operations: wholeOperations(store.operations),
    async planRedrive(question) {
      await checkEdits(store, question, registry)
      return planRedrive(store, question)
    },
    async request(request) {
      const operation = await requestOperation(store, request, { clock, ids, registry })
      onRequested?.(request.subscription)
      return operation
    },
    async cancel(operationId, { by, reason = '' }) {
      const operation = await store.operations.cancel(operationId.toLowerCase(), by, reason)
      if (operation === undefined)
        throw new OperationError('TIDINGS_OPERATION_UNKNOWN', operationId)
      onRequested?.(operation.subscription)
      return operation
    },
    follow,
    async ended(operationId, following) {
      for await (const status of follow(operationId, following)) if (status.hasEnded) return status
      return statusOf(store, await requireOperation(store, operationId))
    },
  }
}

/** Without the parts that shards have in them. */
function wholeOperations(operations: OperationStore): Admin['operations'] {
  return {
    find: (operationId) => operations.find(operationId),
    async list(filter, { after, limit = Number.POSITIVE_INFINITY } = {}) {
      if (filter?.subscription !== undefined && limit === Number.POSITIVE_INFINITY) {
        return operations.list(filter, { after })
      }
      const found: OperationRecord[] = []
      for (let last = after; found.length < limit;) {
        const page = await operations.list(filter, { after: last, limit: PAGE })
        found.push(...page.filter(({ subscription }) => !isOfShards(subscription)))
        if (page.length < PAGE) break
        last = page.at(-1)?.operationId
      }
      return found.slice(0, limit)
    },
  }
}
