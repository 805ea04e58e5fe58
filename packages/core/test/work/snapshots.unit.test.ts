import { describe, expect, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineAggregate } from '../../src/contract/define-aggregate.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { ReadStreamOptions, Store } from '../../src/store/store.ts'
import {
  CounterCompleted,
  CounterUpdated,
  defineCounter,
  UpdateCounter,
  UpdateTwice,
} from '../support/counter.ts'
import { stores, withOverrides } from '../support/stores.ts'

const stream = 'Test.Counter/a'

/** The sample with a snapshot every so many events. */
async function start(store: Store, snapshot: { readonly every: number; readonly version: number }) {
  const Aggregate = defineCounter(snapshot)
  const failures: unknown[] = []
  const app = await bootstrap({
    store,
    modules: [defineModule('counter', [Aggregate])],
    onFailure: ({ error }) => failures.push(error),
  })
  const add = async (times: number): Promise<void> => {
    for (let index = 0; index < times; index++)
      await app.send(UpdateCounter, { counterId: 'a', by: 1 })
  }
  return { app, Aggregate, add, failures }
}

/** A store that tells from which version on a stream is read. */
function watchReads(inner: Store) {
  const from: (number | undefined)[] = []
  const store = withOverrides(inner, {
    readStream: (name: string, options?: ReadStreamOptions) => {
      from.push(options?.from)
      return inner.readStream(name, options)
    },
  })
  return { store, from }
}

describe.each(stores)('on $kind', ({ open }) => {
  test('a snapshot is taken every N events, and only then', async () => {
    const store = await open()
    const { app, add } = await start(store, { every: 3, version: 1 })
    await using _app = app
    const versions: (number | undefined)[] = []
    for (let index = 0; index < 7; index++) {
      await add(1)
      versions.push((await store.snapshots.load(stream))?.streamVersion)
    }
    expect(versions).toEqual([undefined, undefined, 3, 3, 3, 6, 6])
    expect(await store.snapshots.load(stream)).toEqual({
      stream,
      streamVersion: 6,
      snapshotVersion: 1,
      state: '{"total":6}',
    })
  })

  test('an append that jumps over the Nth event is caught up with', async () => {
    const store = await open()
    const { app, add } = await start(store, { every: 3, version: 1 })
    await using _app = app
    await add(2)
    await app.send(UpdateTwice, { counterId: 'a', by: 1 })
    expect((await store.snapshots.load(stream))?.streamVersion).toBe(4)
  })

  test('the state from a snapshot is the state from the beginning, and only the rest is read', async () => {
    const { store, from } = watchReads(await open())
    const { app, Aggregate, add } = await start(store, { every: 4, version: 1 })
    await using _app = app
    await add(10)
    from.length = 0
    const fromSnapshot = await app.store.load(Aggregate, 'a')
    const fromBeginning = await app.store.load(Aggregate, 'a', { ignoreSnapshot: true })
    expect(fromSnapshot).toEqual(fromBeginning)
    expect(fromSnapshot).toEqual({ state: { total: 10 }, version: 10 })
    expect(from).toEqual([9, 1])
  })

  test('an earlier version is loaded without a snapshot beyond it', async () => {
    const { store, from } = watchReads(await open())
    const { app, Aggregate, add } = await start(store, { every: 4, version: 1 })
    await using _app = app
    await add(9)
    from.length = 0
    expect(await app.store.load(Aggregate, 'a', { to: 7 })).toEqual({
      state: { total: 7 },
      version: 7,
    })
    expect(await app.store.load(Aggregate, 'a', { to: 8 })).toEqual({
      state: { total: 8 },
      version: 8,
    })
    expect(from).toEqual([1, 9])
  })

  test('a snapshot of another version is ignored, and replaced when the next one is due', async () => {
    const inner = await open()
    const { store, from } = watchReads(withOverrides(inner, { close: async () => undefined }))
    const before = await start(store, { every: 2, version: 1 })
    await before.add(2)
    await before.app.close()
    // As an older `evolve` would have left it.
    await inner.snapshots.save({
      stream,
      streamVersion: 2,
      snapshotVersion: 1,
      state: '{"total":-1}',
    })

    const after = await start(store, { every: 2, version: 2 })
    await using _app = after.app
    from.length = 0
    expect(await after.app.store.load(after.Aggregate, 'a')).toEqual({
      state: { total: 2 },
      version: 2,
    })
    expect(from).toEqual([1])
    await after.add(1)
    expect(await inner.snapshots.load(stream)).toMatchObject({
      streamVersion: 3,
      snapshotVersion: 2,
    })
    await inner.close()
  })

  test('a snapshot that is ahead of a restored log does not decide', async () => {
    const store = await open()
    const { app, Aggregate, add } = await start(store, { every: 100, version: 1 })
    await using _app = app
    await add(2)
    await store.snapshots.save({
      stream,
      streamVersion: 9,
      snapshotVersion: 1,
      state: '{"total":90}',
    })
    const sent = await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    expect([sent.state, sent.events[0]?.streamVersion]).toEqual([{ total: 3 }, 3])
    expect(await app.store.load(Aggregate, 'a', { ignoreSnapshot: true })).toMatchObject({
      version: 3,
    })
  })

  test('what a transaction records is due for a snapshot as well', async () => {
    const store = await open()
    const { app, Aggregate } = await start(store, { every: 2, version: 1 })
    await using _app = app
    await app.store.transaction(async (tx) => {
      const counter = await tx.load(Aggregate, 'a')
      counter.record(
        CounterUpdated({ counterId: 'a', by: 1 }),
        CounterCompleted({ counterId: 'a' }),
      )
    })
    expect(await store.snapshots.load(stream)).toMatchObject({
      streamVersion: 2,
      state: '{"total":1}',
    })
  })
})

test('a snapshot that cannot be kept fails no command, and goes to the owner of failures', async () => {
  const inner = memoryStore()
  const trouble = new Error('the disk is full')
  const snapshots = { ...inner.snapshots, save: () => Promise.reject(trouble) }
  const { app, add, failures } = await start(withOverrides(inner, { snapshots }), {
    every: 1,
    version: 1,
  })
  await using _app = app
  await add(1)
  expect(failures).toEqual([trouble])
})

test('a state that is no JSON is told with its place, and is not kept', async () => {
  const Dated = defineAggregate('Test.Counter', {
    events: [CounterUpdated],
    commands: [UpdateCounter],
    id: (command) => command.counterId,
    initialState: { at: new Date(0) },
    snapshot: { every: 1, version: 1 },
    evolve: { 'Test.Counter.Updated': (state) => state },
    decide: { 'Test.Counter.Update': (command) => CounterUpdated(command) },
  })
  const store = memoryStore()
  const failures: unknown[] = []
  await using app = await bootstrap({
    store,
    modules: [defineModule('dated', [Dated])],
    onFailure: ({ error }) => failures.push(error),
  })
  await app.send(UpdateCounter, { counterId: 'a', by: 1 })
  expect(failures).toEqual([
    expect.objectContaining({
      code: 'TIDINGS_PAYLOAD_NOT_JSON',
      issues: [expect.objectContaining({ pointer: '/at' })],
    }),
  ])
  expect(await store.snapshots.load(stream)).toBeUndefined()
})
