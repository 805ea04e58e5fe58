import assert from 'node:assert/strict'
import pg from 'pg'
import type { PostgresStore } from '@tidings/postgres'
import type { StoreAdapter } from '@tidings/testing'
import type { EventReader, ReadOptions, StoredEnvelope } from 'tidings'

const LOCK = /perform pg_advisory_xact_lock\([^;]*;/

/** Takes the lock of the log out of the functions that append: positions are then what a sequence gave. */
export async function withoutLock(url: string, schema: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows } = await client.query<{ text: string }>(
      `select pg_get_functiondef(p.oid) as text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname = $1 and p.proname in ('append_events', 'append_batch', 'append_plain')`,
      [schema],
    )
    assert.equal(rows.length, 3)
    // A second store of the same log finds it done.
    for (const { text } of rows) await client.query(text.replace(LOCK, ''))
  } finally {
    await client.end()
  }
}

/** How often a reader may look at a hole before it takes the next event. */
type Patience = number

/** Watches holes in the positions: waits at one for some looks, and then reads past it. */
export function watchingHoles(adapter: StoreAdapter, patience: Patience): StoreAdapter {
  return {
    ...adapter,
    sql: false,
    async createLog(clock) {
      const { open, remove } = await adapter.createLog(clock)
      const watch = async (): Promise<PostgresStore> =>
        replaceReadAll((await open()) as PostgresStore, patience)
      return { open: watch, remove: () => remove?.() }
    },
  }
}

function replaceReadAll(store: PostgresStore, patience: Patience): PostgresStore {
  const looks = new Map<number, number>()
  const mayPass = (hole: number): boolean => {
    const before = looks.get(hole) ?? 0
    looks.set(hole, before + 1)
    return before >= patience
  }
  const readAll = (options: ReadOptions = {}): EventReader =>
    readerOf(untilHole(store.readAll(options), options.after ?? 0, mayPass))
  return new Proxy(store, {
    get(target, name) {
      if (name === 'readAll') return readAll
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

async function* untilHole(
  reader: EventReader,
  after: number,
  mayPass: (hole: number) => boolean,
): AsyncGenerator<StoredEnvelope, undefined> {
  let next = after + 1
  for await (const event of reader) {
    if (event.position > next && !mayPass(next)) return
    next = event.position + 1
    yield event
  }
}

function readerOf(events: AsyncGenerator<StoredEnvelope, undefined>): EventReader {
  return {
    async *pages() {
      for await (const event of events) yield [event]
    },
    [Symbol.asyncIterator]: () => events,
    toArray: () => Array.fromAsync(events),
  }
}
