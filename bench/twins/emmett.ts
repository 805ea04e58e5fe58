import { join } from 'node:path'
import type { StreamAppend } from '../../packages/core/src/store/store.ts'
import { importPeer } from '../harness/peers.ts'

/** What the bench uses of @event-driven-io/emmett-sqlite. */
interface EmmettModule {
  sqliteConnection(options: { fileName: string }): Connection
  getSQLiteEventStore(options: Record<string, unknown>): {
    appendToStream(
      stream: string,
      events: readonly EmmettEvent[],
      options: { expectedStreamVersion: bigint },
    ): Promise<unknown>
    schema: { migrate(): Promise<void> }
  }
}

interface Connection {
  close(): void
  querySingle<Row>(sql: string): Promise<Row | null>
}

export interface EmmettEvent {
  readonly type: string
  readonly data: unknown
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface EmmettAppend {
  readonly stream: string
  readonly expected: bigint
  readonly events: readonly EmmettEvent[]
}

export function toEmmett(append: StreamAppend): EmmettAppend {
  return {
    stream: append.stream,
    expected: BigInt(append.expectedVersion),
    events: append.events.map(({ envelope }) => ({
      type: envelope.eventType,
      data: envelope.payload,
      metadata: {
        ...envelope.metadata,
        correlationId: envelope.correlationId,
        causationId: envelope.causationId,
        timestamp: envelope.timestamp,
      },
    })),
  }
}

export interface EmmettLog {
  append(call: EmmettAppend): Promise<unknown>
  close(): void
}

/**
 * Emmett's SQLite store as its documentation opens it: by file name. It opens a connection per append,
 * and now and then the next one meets the last one's lock; an append so refused is tried again.
 */
export async function openEmmett(folder: string): Promise<EmmettLog> {
  const emmett = await importPeer<EmmettModule>('@event-driven-io/emmett-sqlite')
  const store = emmett.getSQLiteEventStore({ fileName: join(folder, 'emmett.db') })
  await store.schema.migrate()
  return {
    async append({ stream, expected, events }) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await store.appendToStream(stream, events, { expectedStreamVersion: expected })
        } catch (error) {
          if (!String(error).includes('SQLITE_BUSY') || attempt === 10) throw error
        }
      }
    },
    close: () => undefined,
  }
}

/**
 * The fastest form of it that is right under load: one connection that stays open, and appends one
 * behind the other, because those that come together fail.
 */
export async function openQueuedEmmett(folder: string): Promise<EmmettLog> {
  const emmett = await importPeer<EmmettModule>('@event-driven-io/emmett-sqlite')
  const fileName = join(folder, 'emmett.db')
  const connection = emmett.sqliteConnection({ fileName })
  const store = emmett.getSQLiteEventStore({
    fileName,
    connectionOptions: { singleton: true, connection },
    schema: { autoMigration: 'None' },
  })
  await store.schema.migrate()
  const row = await connection.querySingle<{ synchronous: number }>('pragma synchronous')
  if (row?.synchronous !== 2)
    throw new Error(`Emmett does not run with synchronous = FULL: ${row?.synchronous}`)
  let last: Promise<unknown> = Promise.resolve()
  return {
    append({ stream, expected, events }) {
      const turn = last.then(() =>
        store.appendToStream(stream, events, { expectedStreamVersion: expected }),
      )
      last = turn
      return turn
    },
    close: () => connection.close(),
  }
}
