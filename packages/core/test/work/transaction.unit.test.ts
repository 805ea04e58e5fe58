import { describe, expect, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { ANY } from '../../src/bus/selector.ts'
import { ConcurrencyError } from '../../src/errors/store-errors.ts'
import type { AppStore } from '../../src/work/app-store.ts'
import type { RootOf, WorkTransaction } from '../../src/work/unit-of-work.ts'
import { Counter, counterModule, CounterUpdated, UpdateCounter } from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { openSqlite, stores } from '../support/stores.ts'

const moved = (counterId: string, by = 1) => ({
  aggregateType: 'Test.Counter',
  aggregateId: counterId,
  events: CounterUpdated({ counterId, by }),
})

/** A transaction and an aggregate of it, as a forgotten `await` leaves them behind. */
async function keepTransaction(store: AppStore, isCommitted: boolean) {
  const kept = Promise.withResolvers<{ tx: WorkTransaction; root: RootOf<typeof Counter> }>()
  const failure = new Error('rolled back')
  const ran = store.transaction(async (tx) => {
    kept.resolve({ tx, root: await tx.load(Counter, 'a') })
    if (!isCommitted) throw failure
  })
  if (isCommitted) await ran
  else await expect(ran).rejects.toBe(failure)
  return kept.promise
}

describe.each(stores)('on $kind', ({ open }) => {
  test('what a transaction records over several streams is committed together, then published', async () => {
    const app = await startCounter({ store: await open() })
    const heard: string[] = []
    app.bus.subscribe(ANY, ({ aggregateId }) => void heard.push(aggregateId))
    const answer = await app.store.transaction(async (tx) => {
      await tx.append(moved('a'), moved('b'))
      const counter = await tx.load(Counter, 'c')
      counter.record(CounterUpdated({ counterId: 'c', by: 4 }))
      expect([counter.state, counter.version, counter.loadedVersion]).toEqual([{ total: 4 }, 1, 0])
      expect(heard).toEqual([])
      return 'done'
    })
    expect(answer).toBe('done')
    expect(heard).toEqual(['a', 'b', 'c'])
    expect(await app.store.head()).toBe(3)
  })

  test('a rollback leaves nothing: no event, no command, no publication', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const heard: unknown[] = []
    app.bus.subscribe(ANY, (event) => void heard.push(event))
    const failure = new Error('changed my mind')
    const failed = app.store.transaction(async (tx) => {
      await tx.append(moved('a'))
      const counter = await tx.load(Counter, 'b')
      counter.record(CounterUpdated({ counterId: 'b', by: 1 }))
      throw failure
    })
    await expect(failed).rejects.toBe(failure)
    expect(heard).toEqual([])
    expect(await store.catalog.stats()).toMatchObject({ events: 0, streams: 0, commands: 0 })
  })

  test('one stream in conflict keeps all of them out', async () => {
    const app = await startCounter({ store: await open() })
    await app.send(UpdateCounter, { counterId: 'b', by: 1 })
    const failed = app.store.transaction((tx) =>
      tx.append(moved('a'), { ...moved('b'), expectedVersion: 0 }),
    )
    await expect(failed).rejects.toBeInstanceOf(ConcurrencyError)
    await expect(failed).rejects.toMatchObject({ stream: 'Test.Counter/b', expected: 0, actual: 1 })
    expect(await app.store.readStream('Test.Counter/a').toArray()).toEqual([])
  })

  test('appends to one stream in one transaction follow each other', async () => {
    const app = await startCounter({ store: await open() })
    await app.store.transaction(async (tx) => {
      await tx.append({ ...moved('a', 1), expectedVersion: 'no-stream' })
      await tx.append({ ...moved('a', 2), expectedVersion: 1 })
      await tx.append({ ...moved('a', 3), expectedVersion: 'stream-exists' })
    })
    expect(await app.store.load(Counter, 'a')).toEqual({ state: { total: 6 }, version: 3 })
  })

  test('an expected version that the append before it excludes is refused, and nothing is stored', async () => {
    const app = await startCounter({ store: await open() })
    const failed = app.store.transaction(async (tx) => {
      await tx.append({ ...moved('a'), expectedVersion: 'no-stream' })
      await tx.append({ ...moved('a'), expectedVersion: 'no-stream' })
    })
    await expect(failed).rejects.toThrow(/A second append to 'Test.Counter\/a'.*excludes/)
    expect(await app.store.head()).toBe(0)
  })

  test('a stream that is both loaded and appended to is refused, and nothing is stored', async () => {
    const app = await startCounter({ store: await open() })
    const failed = app.store.transaction(async (tx) => {
      const counter = await tx.load(Counter, 'a')
      counter.record(CounterUpdated({ counterId: 'a', by: 1 }))
      await tx.append(moved('a'))
    })
    await expect(failed).rejects.toThrow(/'Test.Counter\/a' was both loaded and appended to/)
    expect(await app.store.head()).toBe(0)
  })

  test('a payload that does not fit is refused where it is appended', async () => {
    const app = await startCounter({ store: await open() })
    let reached = false
    const failed = app.store.transaction(async (tx) => {
      await tx.append(moved('a', 'many' as unknown as number))
      reached = true
    })
    await expect(failed).rejects.toMatchObject({
      code: 'TIDINGS_PAYLOAD_INVALID',
      issues: [{ pointer: '/by' }],
    })
    expect([reached, await app.store.head()]).toEqual([false, 0])
  })

  const nested: Record<string, (store: AppStore) => Promise<unknown>> = {
    append: (store) => store.append(moved('b')),
    transaction: (store) => store.transaction(async () => undefined),
  }
  test.each(Object.entries(nested))(
    'a %s of the store inside its own transaction is refused at once',
    async (_name, call) => {
      const app = await startCounter({ store: await open() })
      const failed = app.store.transaction(async (tx) => {
        await tx.append(moved('a'))
        await call(app.store)
      })
      await expect(failed).rejects.toMatchObject({ code: 'TIDINGS_TRANSACTION_NESTED' })
      expect(await app.store.head()).toBe(0)
    },
  )

  test('a command inside a transaction is refused at once, and is no outcome', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const commandId = '0199e2c4-1111-7111-8111-111111111111'
    const failed = app.store.transaction(() =>
      app.send(UpdateCounter, { counterId: 'a', by: 1 }, { commandId }),
    )
    await expect(failed).rejects.toMatchObject({ code: 'TIDINGS_TRANSACTION_NESTED' })
    expect(await store.commands.find(commandId)).toBeUndefined()
  })

  test.each(['committed', 'rolled back'])(
    'nothing can be recorded in a transaction that is %s: it would be lost',
    async (end) => {
      const app = await startCounter({ store: await open() })
      const late = {
        code: 'TIDINGS_TRANSACTION_CLOSED',
        message: expect.stringContaining("'await'") as string,
      }
      const kept = await keepTransaction(app.store, end === 'committed')
      await expect(kept.tx.append(moved('a'))).rejects.toMatchObject(late)
      await expect(kept.tx.load(Counter, 'b')).rejects.toMatchObject(late)
      expect(() => kept.root.record(CounterUpdated({ counterId: 'a', by: 1 }))).toThrow(
        expect.objectContaining(late) as Error,
      )
      expect(await app.store.head()).toBe(0)
    },
  )

  test('an aggregate that is loaded twice at once is one, and nothing recorded on it is lost', async () => {
    const app = await startCounter({ store: await open() })
    await app.store.transaction(async (tx) => {
      const [one, two] = await Promise.all([tx.load(Counter, 'a'), tx.load(Counter, 'a')])
      one.record(CounterUpdated({ counterId: 'a', by: 1 }))
      two.record(CounterUpdated({ counterId: 'a', by: 2 }))
    })
    expect(await app.store.load(Counter, 'a')).toEqual({ state: { total: 3 }, version: 2 })
  })

  test('transactions of a process run one after the other, and none loses the work of another', async () => {
    const app = await startCounter({ store: await open() })
    const runs = Array.from({ length: 20 }, () =>
      app.store.transaction(async (tx) => {
        const counter = await tx.load(Counter, 'a')
        await Promise.resolve()
        counter.record(CounterUpdated({ counterId: 'a', by: counter.state.total + 1 }))
      }),
    )
    await Promise.all(runs)
    // 2²⁰ − 1: each one built on all before it.
    expect(await app.store.load(Counter, 'a')).toEqual({ state: { total: 1_048_575 }, version: 20 })
  })

  test('an append answers with its events as the log has them, in order of position', async () => {
    const app = await startCounter({ store: await open() })
    const stored = await app.store.append(
      {
        ...moved('a'),
        events: [
          CounterUpdated({ counterId: 'a', by: 1 }),
          CounterUpdated({ counterId: 'a', by: 2 }),
        ],
      },
      moved('b'),
    )
    expect(stored).toEqual(await app.store.readAll().toArray())
    expect(stored.map(({ position, streamVersion }) => [position, streamVersion])).toEqual([
      [1, 1],
      [2, 2],
      [3, 1],
    ])
  })
})

describe('on sqlite, own rows', () => {
  async function startWithRows() {
    const store = openSqlite()
    const app = await bootstrap({ store, modules: [counterModule] })
    await app.store.transaction(async (tx) => {
      await tx.sql`CREATE TABLE totals (counter TEXT PRIMARY KEY, total INTEGER NOT NULL)`
    })
    const totals = () => app.store.transaction((tx) => tx.sql`SELECT counter, total FROM totals`)
    return { app, store, totals }
  }

  test('are committed with the events', async () => {
    const { app, totals } = await startWithRows()
    await using _app = app
    await app.store.transaction(async (tx) => {
      await tx.append(moved('a', 7))
      await tx.sql`INSERT INTO totals (counter, total) VALUES (${'a'}, ${7})`
    })
    expect(await totals()).toEqual([{ counter: 'a', total: 7 }])
    expect(await app.store.head()).toBe(1)
  })

  test('go with the events when the transaction is rolled back', async () => {
    const { app, totals } = await startWithRows()
    await using _app = app
    const failed = app.store.transaction(async (tx) => {
      await tx.sql`INSERT INTO totals (counter, total) VALUES (${'a'}, ${7})`
      await tx.append(moved('a', 7))
      throw new Error('changed my mind')
    })
    await expect(failed).rejects.toThrow('changed my mind')
    expect(await totals()).toEqual([])
    expect(await app.store.head()).toBe(0)
  })

  test('go when the events turn out to be in conflict at the commit', async () => {
    const { app, totals } = await startWithRows()
    await using _app = app
    const failed = app.store.transaction(async (tx) => {
      await tx.append({ ...moved('a', 7), expectedVersion: 3 })
      await tx.sql`INSERT INTO totals (counter, total) VALUES (${'a'}, ${7})`
    })
    await expect(failed).rejects.toBeInstanceOf(ConcurrencyError)
    expect(await totals()).toEqual([])
  })

  test('a statement that fails takes the events with it', async () => {
    const { app, totals } = await startWithRows()
    await using _app = app
    const failed = app.store.transaction(async (tx) => {
      await tx.append(moved('a', 7))
      await tx.sql`INSERT INTO totals (counter, total) VALUES (${'a'}, ${null})`
    })
    await expect(failed).rejects.toThrow(/NOT NULL/)
    expect([await totals(), await app.store.head()]).toEqual([[], 0])
  })
})
