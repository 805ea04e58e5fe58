import {
  defineModule,
  defineSubscription,
  type AppStore,
  type DeliveryContext,
  type Module,
  type SqlTransaction,
  type Subscription,
} from 'tidings'
import { Allocated, Deallocated } from './stock/contracts.ts'

/** Where a line of an order comes from. */
export interface AllocationRow {
  readonly sku: string
  readonly qty: number
  readonly batchRef: string
}

type Log = Pick<AppStore<SqlTransaction>, 'transaction'>

/** A product's events are its key, so they come in order: a line lost and given again ends as given. */
const allocationsView = defineSubscription('allocations-view', {
  events: [Allocated, Deallocated],
  effects: 'database',
  handle: async (event, { tx }: DeliveryContext<SqlTransaction>) => {
    const { orderId, sku, qty, batchRef } = event.payload
    if (Allocated.is(event)) {
      await tx.sql`
        insert into allocations_view (order_id, sku, qty, batch_ref)
        values (${orderId}, ${sku}, ${qty}, ${batchRef})`
    } else {
      await tx.sql`delete from allocations_view where order_id = ${orderId} and sku = ${sku}`
    }
  },
})

/** The read model: rows in the database of the log, written with the progress of who writes them. */
export const viewModule: Module<
  'allocations-view',
  Subscription<'allocations-view', SqlTransaction>
> = defineModule('allocations-view', [allocationsView])

/** Before the first event is handled. */
export async function createView(log: Log): Promise<void> {
  await log.transaction(
    (tx) => tx.sql`
      create table if not exists allocations_view (
        order_id text not null, sku text not null, qty integer not null, batch_ref text not null,
        primary key (order_id, sku)
      )`,
  )
}

export async function allocationsOf(log: Log, orderId: string): Promise<AllocationRow[]> {
  return log.transaction(
    (tx) => tx.sql<AllocationRow>`
      select sku, qty, batch_ref as "batchRef" from allocations_view
      where order_id = ${orderId} order by sku`,
  )
}
