import { z } from 'zod'
import type { App } from '../../src/bootstrap/app.ts'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import type { DeliveryOptions } from '../../src/delivery/delivery.ts'
import { sqlite, type SqliteStore } from '../../src/sqlite.ts'
import type { SqlTransaction } from '../../src/store/store.ts'

const VoteCast = defineEvent('Shop.Vote.Cast', { payload: z.object({ n: z.number() }) })

export interface TallyOptions extends DeliveryOptions {
  readonly owner: string
  /** What the handler does around its one effect, a row in `tally`. */
  readonly before?: (n: number) => unknown
  readonly after?: (n: number) => unknown
}

export interface Tally {
  readonly app: App
  readonly store: SqliteStore
}

/** A process of an application that counts votes in the file of its log; several may share the file. */
export async function startTally(file: string, options: TallyOptions): Promise<Tally> {
  const { owner, before, after, ...delivery } = options
  const tally = defineSubscription<'tally', typeof VoteCast, SqlTransaction>('tally', {
    events: VoteCast,
    retry: { attempts: 1 },
    outageAfter: 1000,
    async handle({ payload: { n } }, { tx }) {
      before?.(n)
      await tx.sql`insert into tally (n, by) values (${n}, ${owner})`
      after?.(n)
    },
  })
  const store = sqlite(file)
  await store.transaction(
    (tx) => tx.sql`create table if not exists tally (n integer not null, by text not null)`,
  )
  const modules = [defineModule('shop', [tally])]
  const app = await bootstrap({ store, modules, delivery: { owner, ...delivery } })
  return { app: app as unknown as App, store }
}

/** Casts votes `from` to `to`, each under a key of its own. */
export async function castVotes({ app }: Tally, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) {
    const events = VoteCast({ n })
    await app.store.append({ aggregateType: 'Shop.Vote', aggregateId: `${n}`, events })
  }
}

/** What was done and by whom, in order. */
export async function counted({
  store,
}: Tally): Promise<readonly { readonly n: number; readonly by: string }[]> {
  return store.transaction(
    (tx) => tx.sql<{ n: number; by: string }>`select n, by from tally order by rowid`,
  )
}
