import { importPeer } from '../harness/peers.ts'
import type { EmmettAppend, EmmettEvent } from './emmett.ts'

/** What the benches use of @event-driven-io/emmett-postgresql. */
interface EmmettModule {
  getPostgreSQLEventStore(connectionString: string): {
    appendToStream(
      stream: string,
      events: readonly EmmettEvent[],
      options: { expectedStreamVersion: bigint },
    ): Promise<unknown>
    schema: { migrate(): Promise<void> }
    close(): Promise<void>
  }
}

export interface EmmettPostgresLog {
  append(call: EmmettAppend): Promise<unknown>
  close(): Promise<void>
}

/** Emmett's PostgreSQL store as its documentation opens it: with the pool of its own. */
export async function openPostgresEmmett(url: string): Promise<EmmettPostgresLog> {
  const emmett = await importPeer<EmmettModule>('@event-driven-io/emmett-postgresql')
  const store = emmett.getPostgreSQLEventStore(url)
  await store.schema.migrate()
  return {
    append: ({ stream, expected, events }) =>
      store.appendToStream(stream, events, { expectedStreamVersion: expected }),
    close: () => store.close(),
  }
}
