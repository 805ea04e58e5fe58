import assert from 'node:assert/strict'
import type { SealedEvent, Store, StoredEnvelope } from 'tidings'
import {
  assertRising,
  assertSound,
  gate,
  idsOf,
  logIds,
  rejection,
  scenario,
  turns,
  type Gate,
} from './expectations.ts'
import { appendOf, sampleEvent, sampleEvents } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

/** Reads as a consumer does: on from the last position that it has seen, again and again. */
interface Consumer {
  readonly seen: readonly StoredEnvelope[]
  /** Reads what is there now. */
  poll(): Promise<void>
}

function consumer(store: Store, pageSize: number): Consumer {
  const seen: StoredEnvelope[] = []
  return {
    seen,
    async poll() {
      for await (const event of store.readAll({ after: seen.at(-1)?.position ?? 0, pageSize })) {
        seen.push(event)
      }
    },
  }
}

/** Fails unless a consumer has seen the whole log: each event once, in order. */
async function assertComplete(store: Store, { seen, poll }: Consumer): Promise<void> {
  await poll()
  assertRising(
    seen.map((event) => event.position),
    'positions that a consumer sees',
  )
  assert.deepEqual(idsOf(seen), await logIds(store), 'a consumer sees every event of the log once')
}

interface OpenTransaction {
  readonly ids: readonly string[]
  readonly go: Gate
  readonly answer: Promise<PromiseSettledResult<void>>
}

/** A transaction that has begun, and appends when it is told, or before it is told to commit. */
function begin(
  harness: StoreHarness,
  store: Store,
  { name, early, fails }: { name: string; early: boolean; fails: boolean },
): OpenTransaction {
  const go = gate()
  const events = sampleEvents(harness.ids, `Sample.Counter/${name}`, 3)
  const running = store.transaction(async (tx) => {
    if (early) await tx.append([appendOf('any', ...events)])
    await go.passed
    if (!early) await tx.append([appendOf('any', ...events)])
    if (fails) throw new Error(`${name} is rolled back`)
  })
  const answer = Promise.allSettled([running]).then(([settled]) => settled)
  return { ids: fails ? [] : idsOf(events), go, answer }
}

async function lateCommitter(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const reader = consumer(store, 2)
  for (const early of [true, false]) {
    const late = begin(harness, store, { name: `late-${early}`, early, fails: false })
    const direct = sampleEvents(harness.ids, `Sample.Counter/direct-${early}`, 5)
    const appended = Promise.all(direct.map((event) => store.append([appendOf('any', event)])))
    // Where the transaction holds nothing yet, the others are not held up by it.
    if (!early) await appended
    for (let round = 0; round < 10; round++) {
      await turns(1)
      await reader.poll()
    }
    late.go.open()
    const { status } = await late.answer
    assert.equal(status, 'fulfilled')
    await appended
    await assertComplete(store, reader)
    const seen = new Set(idsOf(reader.seen))
    for (const id of [...late.ids, ...idsOf(direct)])
      assert.ok(seen.has(id), `${id} was never seen`)
  }
}

/** Four transactions that overlap and end in another order than they began in; one is rolled back. */
async function overlap(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const reader = consumer(store, 3)
  const wanted = new Set<string>()
  for (let round = 0; round < 6; round++) {
    const open = ['a', 'b', 'c', 'd'].map((name, index) =>
      begin(harness, store, {
        name: `${name}-${round}`,
        early: harness.random.below(2) === 0,
        fails: index === round % 4,
      }),
    )
    for (const { go } of harness.random.shuffle(open)) {
      await turns(2)
      await reader.poll()
      go.open()
    }
    const answers = await Promise.all(open.map((one) => one.answer))
    assert.deepEqual(
      answers.map((answer) => answer.status === 'rejected'),
      open.map((_, index) => index === round % 4),
    )
    for (const one of open) for (const id of one.ids) wanted.add(id)
  }
  await assertComplete(store, reader)
  assert.deepEqual(new Set(idsOf(reader.seen)), wanted, 'what was committed, and nothing else')
  await assertSound(store)
}

/** Writers and readers at the same time. Each reader sees the same, in the same order, whatever its pages. */
async function readWhileWriting(harness: StoreHarness): Promise<void> {
  const { ids, random } = harness
  const store = await harness.open()
  const readers = [1, 7, 1000].map((pageSize) => consumer(store, pageSize))
  const writing = new AbortController()
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < 40; n++) {
      const events = sampleEvents(ids, `Sample.Counter/${(writer + n) % 3}`, 1 + random.below(3))
      if (n % 5 !== 4) await store.append([appendOf('any', ...events)])
      else await rejection(store.append([appendOf(9999, ...events)]), 'a wrong version')
      await turns(1)
    }
  }
  const read = async ({ poll }: Consumer): Promise<void> => {
    while (!writing.signal.aborted) {
      await poll()
      await turns(1)
    }
  }
  const reading = readers.map(read)
  await Promise.all([0, 1, 2, 3, 4].map(write))
  writing.abort()
  await Promise.all(reading)
  for (const reader of readers) await assertComplete(store, reader)
}

/** The same with two instances: what one commits late, a reader of the other must not skip. */
async function readOtherInstance(harness: StoreHarness): Promise<void> {
  const { ids, random } = harness
  const stores = [await harness.open(), await harness.open()]
  const readers = stores.flatMap((store) => [1, 50].map((pageSize) => consumer(store, pageSize)))
  const writing = new AbortController()
  const write = async (store: Store, name: string): Promise<void> => {
    for (let n = 0; n < 25; n++) {
      const events = sampleEvents(ids, `Sample.Counter/${name}`, 1 + random.below(3))
      if (n % 3 === 0) await store.append([appendOf('any', ...events)])
      else await commitLate(store, events, n % 3 === 1)
    }
  }
  const read = async ({ poll }: Consumer): Promise<void> => {
    while (!writing.signal.aborted) {
      await poll()
      await turns(1)
    }
  }
  const reading = readers.map(read)
  await Promise.all(
    stores.flatMap((store, index) => ['a', 'b'].map((name) => write(store, `${name}${index}`))),
  )
  writing.abort()
  await Promise.all(reading)
  for (const [index, reader] of readers.entries()) {
    const store = stores[index % 2]
    assert.ok(store !== undefined)
    await assertComplete(store, reader)
  }
}

/** A transaction that stays open for some turns, and is committed or rolled back. */
async function commitLate(
  store: Store,
  events: readonly SealedEvent[],
  commits: boolean,
): Promise<void> {
  const running = store.transaction(async (tx) => {
    await tx.append([appendOf('any', ...events)])
    await turns(2)
    if (!commits) throw new Error('rolled back')
  })
  if (commits) await running
  else await rejection(running, 'a transaction whose work throws')
}

/** Holes, where an adapter makes them, within pages, at their ends, and before the first event. */
async function pageAcrossGaps({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const rollBack = async (count: number): Promise<void> => {
    const abandoned = store.transaction(async (tx) => {
      await tx.append([appendOf('any', ...sampleEvents(ids, 'Sample.Counter/abandoned', count))])
      throw new Error('rolled back')
    })
    await rejection(abandoned, 'a transaction whose work throws')
  }
  await rollBack(3)
  const wanted: string[] = []
  for (let n = 0; n < 60; n++) {
    const event = sampleEvent(ids)
    await store.append([appendOf('any', event)])
    wanted.push(event.envelope.eventId)
    if (n % 10 === 4 || n % 10 === 9) await rollBack(1 + (n % 3))
  }
  const all = await store.readAll().toArray()
  assert.deepEqual(idsOf(all), wanted)
  for (const pageSize of [1, 9, 10, 11]) {
    assert.deepEqual(idsOf(await store.readAll({ pageSize }).toArray()), wanted)
  }
  const last = all.at(-1)?.position ?? 0
  for (let after = 0; after <= last; after++) {
    const rest = await store.readAll({ after, pageSize: 10 }).toArray()
    assert.deepEqual(
      idsOf(rest),
      idsOf(all.filter((event) => event.position > after)),
      `on from position ${after}`,
    )
  }
}

/** A reader that ends while a transaction is open, and another that goes on from its position. */
async function restartReader(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  await store.append([appendOf('any', ...sampleEvents(harness.ids, 'Sample.Counter/1', 10))])
  const first = consumer(store, 4)
  const late = begin(harness, store, { name: 'late', early: true, fails: false })
  const direct = sampleEvents(harness.ids, 'Sample.Counter/2', 4)
  const appended = store.append([appendOf('any', ...direct)])
  await turns()
  await first.poll()
  const cursor = first.seen.at(-1)?.position ?? 0
  late.go.open()
  await late.answer
  await appended
  const rest = await store.readAll({ after: cursor, pageSize: 4 }).toArray()
  assert.deepEqual(
    idsOf([...first.seen, ...rest]),
    await logIds(store),
    'nothing is lost in between',
  )
  assert.equal(first.seen.length + rest.length, 17)
}

/** Positions follow the order in which appends are acknowledged to whoever waits for them. */
async function orderOfCommits(harness: StoreHarness): Promise<void> {
  const { ids, random } = harness
  const store = await harness.open()
  let acknowledged = 0
  for (let n = 0; n < 60; n++) {
    const event = sampleEvent(ids, { stream: `Sample.Counter/${random.below(4)}` })
    const [result] =
      n % 3 === 0
        ? await store.transaction((tx) => tx.append([appendOf('any', event)]))
        : await store.append([appendOf('any', event)])
    const position = result?.positions[0] ?? 0
    assert.ok(position > acknowledged, `position ${position} came after ${acknowledged}`)
    acknowledged = position
  }
  await assertSound(store)
}

async function stepClockBack({ open, ids, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const hour = 3_600_000
  for (const step of [0, -hour, 0, 2 * hour, -3 * hour, 0, 5 * hour]) {
    clock.shift(step)
    for (let n = 0; n < 3; n++) await store.append([appendOf('any', sampleEvent(ids))])
    await store.transaction((tx) => tx.append([appendOf('any', sampleEvent(ids))]))
  }
  const times = (await store.readAll().toArray()).map((event) => event.recordedAt)
  assert.equal(times.length, 28)
  assert.deepEqual(times, times.toSorted(), 'recordedAt never falls with the position')
  const span = Date.parse(times.at(-1) ?? '') - Date.parse(times[0] ?? '')
  assert.ok(span >= 3 * hour, 'and follows the clock where that goes on')
}

/** A consumer that waits for more instead of asking again and again. */
async function waitForMore({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const total = 90
  const reader = consumer(store, 10)
  const consuming = (async () => {
    while (reader.seen.length < total) {
      await store.waitBeyond(reader.seen.at(-1)?.position ?? 0)
      await reader.poll()
    }
  })()
  for (let n = 0; n < total / 3; n++) {
    const events = sampleEvents(ids, `Sample.Counter/${n % 2}`, 3)
    if (n % 4 === 0) await store.transaction((tx) => tx.append([appendOf('any', ...events)]))
    else await store.append([appendOf('any', ...events)])
    await turns(n % 3)
  }
  await consuming
  await assertComplete(store, reader)
  await store.waitBeyond((await store.head()) - 1)
  let woken = false
  const head = await store.head()
  const waiting = store.waitBeyond(head).then(() => {
    woken = true
    return woken
  })
  await rejection(
    store.transaction(async (tx) => {
      await tx.append([appendOf('any', sampleEvent(ids))])
      throw new Error('rolled back')
    }),
    'a transaction whose work throws',
  )
  await turns(5)
  assert.equal(woken, false, 'a rollback is nothing to wake for')
  await store.append([appendOf('any', sampleEvent(ids))])
  await waiting
}

/** A transaction that does nothing holds up neither readers nor, before its first statement, writers. */
async function idleTransaction(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  await store.append([appendOf('any', ...sampleEvents(harness.ids, 'Sample.Counter/1', 5))])
  const untouched = begin(harness, store, { name: 'untouched', early: false, fails: false })
  await store.append([appendOf('any', sampleEvent(harness.ids))])
  await store.transaction((tx) => tx.append([appendOf('any', sampleEvent(harness.ids))]))
  const idle = begin(harness, store, { name: 'idle', early: true, fails: false })
  await turns()
  assert.equal((await logIds(store)).length, 7, 'readers go on')
  idle.go.open()
  await idle.answer
  untouched.go.open()
  const { status } = await untouched.answer
  assert.equal(status, 'fulfilled')
  assert.equal((await logIds(store)).length, 13)
}

/** Whoever reads on from a position never misses an event, whatever happens meanwhile. */
export const gapSafetyScenarios: readonly Scenario[] = [
  scenario('C10', 'a late committer is never skipped', lateCommitter),
  scenario('C11', 'of four overlapping transactions a reader sees those that commit', overlap),
  scenario(
    'C12',
    'readers beside writers all see the same, complete and in order',
    readWhileWriting,
  ),
  scenario('C13', 'holes in the positions lose and repeat nothing', pageAcrossGaps),
  scenario('C14', 'a reader that starts again goes on where it was', restartReader),
  scenario('C15', 'positions rise in the order of acknowledgement', orderOfCommits),
  scenario('C16', 'recordedAt never falls, though the clock does', stepClockBack),
  scenario('C17', 'waiting for more sees later appends, and wakes for nothing else', waitForMore),
  scenario('C18', 'an idle transaction stalls nobody', idleTransaction),
  scenario('C19', 'readers of two instances miss nothing of either', readOtherInstance, {
    needs: ['shared'],
  }),
]
