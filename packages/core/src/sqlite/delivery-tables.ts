import type { Store } from '../store/store.ts'
import { inboxTable } from './inbox-table.ts'
import { leaseTable } from './lease-table.ts'
import { operationTable } from './operation-table.ts'
import { parkedTable } from './parked-table.ts'
import { subscriptionTable } from './subscription-table.ts'
import type { TableAccess } from './table-access.ts'
import { timerTable } from './timer-table.ts'

/** What consumers leave behind, table by table. */
export type DeliveryTables = Pick<
  Store,
  'subscriptions' | 'leases' | 'parked' | 'operations' | 'timers' | 'inbox'
>

export function deliveryTables(access: TableAccess): DeliveryTables {
  return {
    subscriptions: subscriptionTable(access),
    leases: leaseTable(access),
    parked: parkedTable(access),
    operations: operationTable(access),
    timers: timerTable(access),
    inbox: inboxTable(access),
  }
}
