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
    consumer(options: ConsumerOptions): EmmettConsumer
    close(): Promise<void>
  }
}

interface ConsumerOptions {
  readonly pulling?: { readonly batchSize: number; readonly pullingFrequencyInMs: number }
}

interface EmmettConsumer {
  reactor(options: {
    readonly processorId: string
    readonly eachMessage: (message: EmmettEvent) => void
  }): unknown
  start(): Promise<void>
  close(): Promise<void>
}

export interface EmmettPostgresLog {
  append(call: EmmettAppend): Promise<unknown>
  /** Hands every event to `handle`, as its documentation does it. */
  consume(
    processorId: string,
    handle: (event: EmmettEvent) => void,
    options?: ConsumerOptions,
  ): EmmettConsuming
  close(): Promise<void>
}

export interface EmmettConsuming {
  /** Ends when it is stopped. @throws what it failed of */
  readonly running: Promise<void>
  stop(): Promise<void>
}

/** Emmett's PostgreSQL store as its documentation opens it: with the pool of its own. */
export async function openPostgresEmmett(url: string): Promise<EmmettPostgresLog> {
  const emmett = await importPeer<EmmettModule>('@event-driven-io/emmett-postgresql')
  const store = emmett.getPostgreSQLEventStore(url)
  await store.schema.migrate()
  return {
    append: ({ stream, expected, events }) =>
      store.appendToStream(stream, events, { expectedStreamVersion: expected }),
    consume(processorId, handle, options = {}) {
      // One of its own: of a second consumer of a store, once the first was closed, nothing was heard.
      const own = emmett.getPostgreSQLEventStore(url)
      const consumer = own.consumer(options)
      consumer.reactor({ processorId, eachMessage: handle })
      const running = consumer.start()
      // Whoever waits for it or stops it gets its error.
      running.catch(() => undefined)
      return {
        running,
        async stop() {
          await consumer.close()
          await running
          await own.close()
        },
      }
    },
    close: () => store.close(),
  }
}
