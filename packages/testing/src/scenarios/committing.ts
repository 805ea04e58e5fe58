import assert from 'node:assert/strict'
import type { Store, StoredEnvelope } from 'tidings'
import { rejection, scenario, turns } from './expectations.ts'
import { appendOf, sampleEvent, sampleEvents, sampleFact } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

interface Told {
  readonly after: number
  readonly upTo: number
  readonly events: readonly StoredEnvelope[]
}

/** Hears of the commits of a store. */
function hear(store: Store): { readonly told: readonly Told[]; readonly stop: () => void } {
  const told: Told[] = []
  const stop = store.onCommitted(({ after, upTo, count, events }) => {
    const made = events()
    assert.equal(made.length, count, 'as many events as it says')
    told.push({ after, upTo, events: made })
  })
  return { told, stop }
}

/** Each of them is what is in the log behind `after`, and nothing of the log lies before it but that. */
function assertTrue(told: readonly Told[], log: readonly StoredEnvelope[]): void {
  for (const { after, upTo, events } of told) {
    const between = log.filter(({ position }) => position > after && position <= upTo)
    assert.deepEqual(events, between, `what was told of ${after} to ${upTo} is what is read`)
    assert.equal(events.at(-1)?.position, upTo, 'it ends where it says')
    const before = log.findLast(({ position }) => position < events[0]!.position)
    assert.equal(before?.position ?? 0, after, 'the event before it is the one it says')
    for (const event of events) {
      assert.ok(Object.isFrozen(event) && Object.isFrozen(event.metadata), 'nobody can change it')
    }
  }
}

async function write(store: Store, { ids, random }: StoreHarness, rounds: number): Promise<void> {
  const some = (): ReturnType<typeof sampleEvents> =>
    sampleEvents(ids, `Sample.Counter/${random.below(4)}`, 1 + random.below(3))
  for (let n = 0; n < rounds; n++) {
    const causationId = ids.newId(n)
    const detailed = sampleEvent(ids, {
      definition: sampleFact,
      stream: `Sample.Parcel/${causationId}`,
      causationId,
      payload: { text: 'é\u2028"', nested: [{ n: 1.5 }, null], ['__proto__x']: true },
      metadata: {
        source: 'scenario',
        tenant: 't',
        note: 'a longer text than most of them are'.repeat(3),
      },
    })
    await Promise.all([
      store.append([appendOf('any', ...some())]),
      store.append([appendOf('no-stream', detailed)]),
      rejection(store.append([appendOf(9999, ...some())]), 'a wrong version'),
      store.append([appendOf('any', ...some())]),
    ])
    await store.append([appendOf('no-stream', detailed)])
    await store.transaction(async (tx) => {
      await tx.append([appendOf('any', ...some())])
      const other = sampleEvents(ids, `Sample.Other/${causationId}`, 2)
      await tx.append([appendOf('any', ...other), appendOf('any', ...some())])
    })
    await rejection(
      store.transaction(async (tx) => {
        await tx.append([appendOf('any', ...some())])
        throw new Error('rolled back')
      }),
      'a transaction whose work throws',
    )
    await turns(random.below(3))
  }
}

/** A store may say nothing of its commits. What it says is true, and then it says it of all of them. */
async function tells(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  await store.append([appendOf('any', ...sampleEvents(harness.ids, 'Sample.Counter/0', 3))])
  const { told, stop } = hear(store)
  await write(store, harness, 4)
  stop()
  const count = told.length
  await store.append([appendOf('any', sampleEvent(harness.ids))])
  assert.equal(told.length, count, 'whoever has ended it hears nothing more')
  const log = await store.readAll().toArray()
  assertTrue(told, log)
  const events = told.flatMap((one) => one.events)
  if (events.length > 0) assert.deepEqual(events, log.slice(3, -1), 'each event once, in order')
}

/** Of two instances each is told of its own commits, where the other's do not lie between. */
async function tellsApart(harness: StoreHarness): Promise<void> {
  const stores = [await harness.open(), await harness.open()]
  const heard = stores.map(hear)
  await Promise.all(stores.map((store) => write(store, harness, 5)))
  const log = await stores[0]!.readAll().toArray()
  for (const { told } of heard) assertTrue(told, log)
  const positions = heard.flatMap(({ told }) => told.flatMap(({ events }) => events))
  assert.equal(new Set(positions.map(({ position }) => position)).size, positions.length)
}

/** What a store tells of its commits. */
export const committingScenarios: readonly Scenario[] = [
  scenario('C20', 'what is told of a commit is what is read, and follows the log', tells),
  scenario('C21', 'of two instances none is told past what the other appended', tellsApart, {
    needs: ['shared'],
  }),
]
