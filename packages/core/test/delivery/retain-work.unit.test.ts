import { linkSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineTask } from '../../src/contract/define-task.ts'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { archiveFolder, type EventArchive } from '../../src/delivery/archive-folder.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { retainEvents } from '../../src/delivery/retain-events.ts'
import { findHolds, historicRecords, notBegun } from '../../src/delivery/retention-holds.ts'
import type { RetentionOptions } from '../../src/delivery/retention.ts'
import type { SweptFact } from '../../src/observe/observations.ts'
import { sqlite } from '../../src/sqlite/sqlite-store.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { SubscriptionRecord } from '../../src/store/subscription-store.ts'
import type { Store } from '../../src/store/store.ts'
import { manualClock, type ManualClock } from '../support/fake-clock.ts'
import { until } from '../support/orders.ts'
import { temporaryFile, withOverrides } from '../support/stores.ts'

const DAY = 86_400_000
const payload = z.object({ n: z.number() })
const Done = defineEvent('Shop.Pick.Finished', { payload })
const Asked = defineTask('Shop.Pick.Requested', { payload, results: [Done] })
const Noted = defineEvent('Shop.Day.Noted', { payload })

const stores: Readonly<Record<string, (clock: ManualClock) => Store>> = {
  memory: (clock) => memoryStore({ clock }),
  sqlite: (clock) => sqlite({ file: temporaryFile(), clock }),
}

async function startShop(store: Store, clock: ManualClock, retention: RetentionOptions) {
  const seen: number[] = []
  const picks = defineSubscription('picks', {
    events: [Asked],
    handle: async (event) => void seen.push(event.payload.n),
  })
  const app = await bootstrap({
    store,
    clock,
    modules: [defineModule('shop', [Asked, Done, Noted, picks])],
    delivery: { retention, pollMs: 200 },
  })
  onTestFinished(() => app.close())
  const facts: SweptFact[] = []
  app.observations.swept.observe((fact) => void facts.push(fact))
  const ask = (n: number) =>
    app.store.append({ aggregateType: 'Shop.Pick', aggregateId: String(n), events: Asked({ n }) })
  const note = () =>
    app.store.append({ aggregateType: 'Shop.Day', aggregateId: '1', events: Noted({ n: 0 }) })
  return { app, seen, facts, ask, note }
}

function temporaryFolder(): string {
  return join(dirname(temporaryFile()), 'archive')
}

describe.each(Object.keys(stores))('work, on %s', (kind) => {
  test('is kept unless somebody says for how long', async () => {
    const clock = manualClock()
    const store = stores[kind]!(clock)
    const { app, facts, seen, ask, note } = await startShop(store, clock, { every: '5s' })
    await ask(1)
    await note()
    await until(clock, () => seen.length === 1)
    clock.jump(1000 * DAY)
    await clock.advance(20_000)
    expect(facts).toEqual([])
    expect(await app.store.readAll().toArray()).toHaveLength(2)
  })

  test('is archived, then deleted, when its time is over and it was handled', async () => {
    const clock = manualClock()
    const folder = temporaryFolder()
    const retention = { work: '7d', archive: archiveFolder(folder), every: '5s' } as const
    const store = stores[kind]!(clock)
    const { app, facts, seen, ask, note } = await startShop(store, clock, retention)
    for (const n of [1, 2, 3]) await ask(n)
    await note()
    await until(clock, () => seen.length === 3)
    clock.jump(6.9 * DAY)
    await clock.advance(20_000)
    expect(facts).toEqual([])
    clock.jump(0.2 * DAY)
    // Files are written in the time of the machine.
    await vi.waitFor(async () => {
      await clock.advance(200)
      expect(facts).toHaveLength(1)
    }, 15_000)
    expect(facts).toMatchObject([{ what: 'work', count: 3 }])
    const left = await app.store.readAll().toArray()
    expect(left.map(({ eventType }) => eventType)).toEqual([Noted.type])
    expect(readdirSync(folder)).toEqual(['events-000001-1-3.ndjson'])
  }, 20_000)
})

/** Work of eight streams, and a fact behind it. */
async function someWork(): Promise<Store> {
  const clock = manualClock()
  const store = memoryStore({ clock })
  const { seen, ask, note } = await startShop(store, clock, {})
  for (let n = 0; n < 8; n++) await ask(n)
  await note()
  await until(clock, () => seen.length === 8)
  await vi.waitFor(async () => {
    await clock.advance(200)
    expect(await findHolds(store)).toMatchObject([{ name: 'picks', position: 9 }])
  })
  return store
}

const all = { choice: { before: '2100-01-01T00:00:00.000Z' }, goOn: async () => true }

test('what cannot be archived is not deleted', async () => {
  const store = await someWork()
  const full: EventArchive = {
    location: 'nowhere',
    last: async () => [],
    write: async () => {
      throw new Error('No space left')
    },
  }
  await expect(retainEvents(store, { ...all, archive: full })).rejects.toThrow('No space left')
  expect(await store.retention.deleted()).toEqual({ events: 0, commands: 0 })
})

test('it is written before it is deleted, and what a dead process left is not written again', async () => {
  const store = await someWork()
  const folder = temporaryFolder()
  const archive = archiveFolder(folder, { gzip: true })
  const order: string[] = []
  const failing = withOverrides(store, {
    retention: withOverrides(store.retention, {
      remove: async () => {
        order.push('delete')
        throw new Error('killed')
      },
    }),
  })
  const told = withOverrides(archive, {
    write: async (events) => {
      await archive.write(events)
      order.push(`write ${events.length}`)
    },
  })
  await expect(retainEvents(failing, { ...all, archive: told })).rejects.toThrow('killed')
  expect(order).toEqual(['write 8', 'delete'])
  // A file of which a process wrote a part only.
  writeFileSync(join(folder, 'next.part'), '{"event_id"')
  expect(await retainEvents(store, { ...all, archive: told })).toEqual({ removed: 8, archived: 0 })
  expect(readdirSync(folder).sort()).toEqual(['events-000001-1-8.ndjson.gz', 'next.part'])
})

test('a second file never takes the place of the first', async () => {
  const store = await someWork()
  const [event] = await store.retention.due(all.choice, { limit: 1 })
  const folder = temporaryFolder()
  const archive = archiveFolder(folder)
  await archive.write([event!])
  await archive.write([event!])
  expect(readdirSync(folder)).toEqual(['events-000001-1-1.ndjson', 'events-000002-1-1.ndjson'])
  expect(await archive.last()).toEqual([{ eventId: event!.eventId, position: 1 }])
})

test('a process that dies between the two names of a file spoils neither', async () => {
  const store = await someWork()
  const events = await store.retention.due(all.choice, { limit: 2 })
  const folder = temporaryFolder()
  const archive = archiveFolder(folder)
  await archive.write(events.slice(0, 1))
  const first = join(folder, 'events-000001-1-1.ndjson')
  linkSync(first, join(folder, 'next.part'))
  await archive.write(events.slice(1))
  expect(JSON.parse(readFileSync(first, 'utf8'))).toMatchObject({ event_id: events[0]!.eventId })
})

function record(name: string, generation = 1, position = 5): SubscriptionRecord {
  const state = {
    state: 'live',
    reason: '',
    stateSince: '',
    released: false,
    paused: false,
  } as const
  return { name, generation, position, token: 1, owner: 'a', ...state }
}

test('of shards only those that read on hold something back', () => {
  const shards = [record('mail#2'), record('mail#0/2'), record('mail#1/2')]
  expect(historicRecords([record('mail'), record('relay')])).toEqual([])
  expect(historicRecords(shards), 'each has its own mark').toEqual(['mail#2'])
  expect(historicRecords(shards.slice(0, 2)), 'one begins where all do').toEqual([])
  const more = [record('mail#3', 2), ...shards]
  expect(historicRecords(more)).toEqual(['mail#2', 'mail#0/2', 'mail#1/2'])
  expect(historicRecords([record('mail', 3), ...more]).toSorted()).toEqual(
    more.map(({ name }) => name).toSorted(),
  )
  expect(notBegun(['mail', 'bill'], shards)).toEqual(['bill'])
})
