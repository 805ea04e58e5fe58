import type { Store } from '../store/store.ts'
import type { DeliveryTables } from './delivery-tables.ts'
import type { NameTables } from './names.ts'
import type { TableAccess } from './table-access.ts'

type LateTables = DeliveryTables & Pick<Store, 'retention'>

type Methods<Table> = { readonly [Name in keyof Table]: true }

/** Whoever adds a method to a table is told by the compiler to name it here. */
const methods: { readonly [Name in keyof LateTables]: Methods<LateTables[Name]> } = {
  subscriptions: {
    find: true,
    list: true,
    countAhead: true,
    claim: true,
    describe: true,
    setPaused: true,
    reset: true,
    begin: true,
    release: true,
  },
  leases: { acquire: true, renew: true, release: true, find: true, list: true },
  parked: {
    find: true,
    list: true,
    count: true,
    groups: true,
    keys: true,
    head: true,
    sweep: true,
  },
  operations: { request: true, find: true, list: true, cancel: true, sweep: true },
  timers: { find: true, due: true, next: true, list: true, sweep: true },
  inbox: { consumers: true, sweep: true },
  retention: {
    due: true,
    remove: true,
    removed: true,
    deleted: true,
    erase: true,
    planErasure: true,
    erasures: true,
  },
}

/**
 * The tables of delivery and of retention, whose code is loaded by the first call to one of them: it is
 * a third of what the store would load otherwise, and who reads or appends events needs none of it.
 */
export function lateTables(access: TableAccess, names: () => Promise<NameTables>): LateTables {
  let loading: Promise<DeliveryTables> | undefined
  const load = (): Promise<DeliveryTables> => {
    loading ??= import('./delivery-tables.ts').then((tables) => tables.deliveryTables(access))
    return loading
  }
  return {
    subscriptions: late(methods.subscriptions, async () => (await load()).subscriptions),
    leases: late(methods.leases, async () => (await load()).leases),
    parked: late(methods.parked, async () => (await load()).parked),
    operations: late(methods.operations, async () => (await load()).operations),
    timers: late(methods.timers, async () => (await load()).timers),
    inbox: late(methods.inbox, async () => (await load()).inbox),
    retention: late(methods.retention, async () => {
      const { retentionTable } = await import('./retention-table.ts')
      return retentionTable(access, names)
    }),
  }
}

type Method = (...args: readonly unknown[]) => Promise<unknown>

function late<Table>(names: Methods<Table>, load: () => Promise<Table>): Table {
  let loaded: Readonly<Record<string, Method>> | undefined
  const callFirst = async (name: string, args: readonly unknown[]): Promise<unknown> => {
    loaded ??= (await load()) as Readonly<Record<string, Method>>
    return loaded[name]!(...args)
  }
  const entries = Object.keys(names).map((name): [string, Method] => [
    name,
    // Once it is there, a call costs nothing more: delivery makes several for each event.
    (...args) => (loaded === undefined ? callFirst(name, args) : loaded[name]!(...args)),
  ])
  return Object.fromEntries(entries) as Table
}
