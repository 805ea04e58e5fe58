import assert from 'node:assert/strict'
import {
  defineTask,
  type EventRef,
  type RetentionChoice,
  type SealedEvent,
  type Store,
  type StoredEnvelope,
} from 'tidings'
import {
  assertSound,
  conflict,
  idsOf,
  logIds,
  refusal,
  scenario,
  streamIds,
} from './expectations.ts'
import { sampleCommand } from './sample-command.ts'
import {
  claimAs,
  fenceOf,
  minutesLater,
  sampleOperation,
  sampleParked,
  step,
} from './sample-delivery.ts'
import { appendOf, sampleEvent, sampleEvents, sampleSchema, sampleTask } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

/** Whatever its age. */
export const ALL: RetentionChoice = { before: '2100-01-01T00:00:00.000Z' }

export const JOB = 'Sample.Job/1'

export const JOB_TYPE = 'Sample.Job.Requested'

const job = defineTask(JOB_TYPE, { payload: sampleSchema(), results: [] })

/** Events that are work, and go nowhere. */
export function sampleWork(
  { ids }: Pick<StoreHarness, 'ids'>,
  stream: string,
  count: number,
): SealedEvent[] {
  return Array.from({ length: count }, (_, n) =>
    sampleEvent(ids, { stream, definition: job, payload: { n } }),
  )
}

export async function allDue(
  store: Store,
  choice: RetentionChoice = ALL,
): Promise<StoredEnvelope[]> {
  return [...(await store.retention.due(choice, { limit: 10_000 }))]
}

/** Deletes all that may go. */
export async function removeDue(store: Store, choice: RetentionChoice = ALL): Promise<number> {
  return store.retention.remove(choice, await allDue(store, choice))
}

/** The last event of the log never goes, so there is one more. */
export async function appendEnd(store: Store, { ids }: StoreHarness): Promise<void> {
  await store.append([appendOf('any', sampleEvent(ids, { stream: 'Sample.Counter/end' }))])
}

async function storedOf(store: Store, stream: string): Promise<StoredEnvelope[]> {
  return store.readStream(stream).toArray()
}

async function goOn(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const facts = sampleEvents(harness.ids, 'Sample.Counter/a', 2)
  const work = sampleWork(harness, JOB, 3)
  await store.append([appendOf('any', ...facts), appendOf('any', ...work)])
  await appendEnd(store, harness)
  const before = { head: await store.head(), stats: await store.catalog.stats() }
  const due = await allDue(store)
  assert.deepEqual(idsOf(due), idsOf(work), 'work is due, facts are not')
  assert.equal(await store.retention.remove(ALL, due), 3)
  assert.equal(await store.retention.remove(ALL, due), 0, 'they are gone')
  assert.deepEqual(await streamIds(store, JOB), [])
  assert.equal((await logIds(store)).length, 3, 'facts are kept')
  assert.equal(await store.findEvent(work[1]!.envelope.eventId), undefined)
  assert.equal(await store.head(), before.head, 'the head stays')
  const stats = await store.catalog.stats()
  assert.deepEqual(
    { events: stats.events, streams: stats.streams, types: stats.types },
    { events: 3, streams: before.stats.streams, types: 1 },
  )
  assert.deepEqual(await store.retention.removed(JOB), [{ first: 1, last: 3 }])
  assert.deepEqual((await store.retention.deleted()).events, 3)
  for (const expectedVersion of ['no-stream', 0, 2] as const) {
    await conflict(store.append([appendOf(expectedVersion, ...sampleWork(harness, JOB, 1))]), {
      stream: JOB,
      expected: expectedVersion,
      actual: 3,
    })
  }
  const [next] = await store.append([appendOf(3, ...sampleWork(harness, JOB, 2))])
  assert.equal(next?.version, 5, 'versions go on')
  assert.ok(next.positions[0]! > before.head, 'so do positions')
  await store.append([appendOf('stream-exists', ...sampleWork(harness, JOB, 1))])
  await store.transaction(async (tx) => {
    await tx.append([appendOf(6, ...sampleWork(harness, JOB, 1))])
    const seen = await tx.readStream(JOB).toArray()
    assert.deepEqual(
      seen.map(({ streamVersion }) => streamVersion),
      [4, 5, 6, 7],
    )
  })
  await assertSound(store)
}

async function stillToRead(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const work = sampleWork(harness, JOB, 4)
  await store.append([appendOf('any', ...work)])
  await appendEnd(store, harness)
  const refs = await store.readStream(JOB).toArray()
  const at = (index: number): number => refs[index]!.position
  const fence = fenceOf((await claimAs(store, 1)).record)
  await claimAs(store, 1, { name: 'sample-late', startAt: at(3) })
  // It fences off those who fire timers, and reads nothing.
  await claimAs(store, 1, { name: 'timers' })
  assert.deepEqual(await allDue(store), [], 'one has read nothing yet')
  assert.equal(await store.retention.remove(ALL, refs), 0, 'also for who names them')
  await step(store, fence, { ahead: [at(0), at(1)] })
  assert.deepEqual(await allDue(store), [], 'what ran ahead is not passed')
  await step(store, fence, { mark: { from: 0, to: at(1) } })
  await store.subscriptions.setPaused(fence, true)
  assert.deepEqual(idsOf(await allDue(store)), idsOf(work.slice(0, 2)))
  assert.equal(await store.retention.remove(ALL, refs), 2, 'also when it is paused')
  await store.subscriptions.release(fence)
  await store.subscriptions.describe(fence, { state: 'stopped', reason: 'for good' })
  assert.deepEqual(await allDue(store), [], 'also when it has stopped')
  assert.deepEqual(await streamIds(store, JOB), idsOf(work.slice(2)))
  const without = { ...ALL, ignore: [fence.subscription] }
  assert.equal(await removeDue(store, without), 2, 'unless it is said to be history')
}

async function parkedStays(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  await store.append([appendOf('any', ...sampleWork(harness, JOB, 5))])
  await appendEnd(store, harness)
  const stored = await storedOf(store, JOB)
  const head = await store.head()
  const fence = fenceOf((await claimAs(store, 1)).record)
  const states = ['parked', 'redriving', 'resolved', 'discarded'] as const
  const parked = states.map((state, index) => {
    const { position, eventId } = stored[index]!
    return sampleParked(harness.ids, {
      state,
      position,
      sequence: position,
      eventId,
      bytes: undefined,
    })
  })
  await store.transaction(async (tx) => {
    await tx.progress({ ...fence, mark: { from: 0, to: head } })
    await tx.park(parked)
  })
  const kept = idsOf(stored.slice(0, 2))
  assert.deepEqual(
    idsOf(await allDue(store)),
    idsOf(stored.slice(2, 4)),
    'nor the last of its stream',
  )
  assert.equal(await store.retention.remove(ALL, stored), 2)
  assert.deepEqual(await streamIds(store, JOB), [...kept, stored[4]!.eventId])
  const resolved = parked.map((event) => ({ ...event, state: 'resolved' as const }))
  await store.transaction((tx) => tx.park(resolved))
  assert.equal(await removeDue(store), 3, 'once it is finished it goes')
  assert.deepEqual(await store.retention.removed(JOB), [{ first: 1, last: 5 }])
}

async function resetHolds(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  await store.append([appendOf('any', ...sampleWork(harness, JOB, 3))])
  await appendEnd(store, harness)
  const stored = await storedOf(store, JOB)
  const { record } = await claimAs(store, 1, { startAt: await store.head() })
  const position = stored[0]!.position
  const reset = sampleOperation(harness.ids, { kind: 'reset', request: { position } })
  await store.operations.request(reset)
  assert.deepEqual(await allDue(store).then(idsOf), idsOf(stored.slice(0, 1)))
  assert.equal(await store.retention.remove(ALL, stored), 1, 'what is before it')
  await store.transaction(async (tx) => {
    await tx.progress(fenceOf(record))
    await tx.putOperations([{ ...reset, state: 'running' }])
  })
  assert.equal(await removeDue(store), 0, 'also while it is carried out')
  await store.operations.cancel(reset.operationId, 'ann', 'no')
  await store.transaction((tx) => tx.putOperations([{ ...reset, state: 'cancelled' }]))
  assert.equal(await removeDue(store), 2)
}

async function unsentStays(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const sent = sampleEvent(harness.ids, { stream: JOB, definition: sampleTask, payload: { n: 1 } })
  await store.append([appendOf('any', sent)])
  await appendEnd(store, harness)
  assert.deepEqual(await allDue(store), [], 'no relay has run')
  assert.deepEqual(idsOf(await allDue(store, { ...ALL, unsent: true })), idsOf([sent]))
  const stored = await storedOf(store, JOB)
  const fence = fenceOf((await claimAs(store, 1, { name: 'relay' })).record)
  assert.equal(await store.retention.remove({ ...ALL, unsent: true }, stored), 0, 'it has begun')
  await step(store, fence, { mark: { from: 0, to: stored[0]!.position } })
  assert.equal(await removeDue(store), 1, 'it has been sent')
}

async function lastStays(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const [fact, later] = sampleEvents(harness.ids, JOB, 2) as [SealedEvent, SealedEvent]
  const [work] = sampleWork(harness, JOB, 1) as [SealedEvent]
  await store.append([appendOf('any', fact, work)])
  await appendEnd(store, harness)
  assert.deepEqual(await allDue(store), [], 'the last of a stream whose first stays')
  await store.append([appendOf(2, later)])
  assert.equal(await removeDue(store), 1)
  const versions = async (reverse: boolean) =>
    (await store.readStream(JOB, { reverse }).toArray()).map((event) => event.streamVersion)
  assert.deepEqual(await versions(false), [1, 3])
  assert.deepEqual(await versions(true), [3, 1])
  assert.deepEqual(idsOf(await store.readStream(JOB, { from: 2 }).toArray()), idsOf([later]))
  assert.deepEqual(idsOf(await store.readStream(JOB, { to: 2 }).toArray()), idsOf([fact]))
  const end = sampleWork(harness, 'Sample.Job/2', 2)
  await store.append([appendOf('any', ...end)])
  assert.deepEqual(idsOf(await allDue(store)), idsOf(end.slice(0, 1)), 'the last of the log stays')
  const named = await storedOf(store, 'Sample.Job/2')
  assert.equal(await store.retention.remove(ALL, named), 1)
  assert.deepEqual(await streamIds(store, 'Sample.Job/2'), idsOf(end.slice(1)))
  await appendEnd(store, harness)
  assert.equal(await removeDue(store), 1, 'now all of it')
}

async function onlyNamed(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  await store.append([appendOf('any', ...sampleWork(harness, JOB, 3))])
  const [first] = await storedOf(store, JOB)
  harness.clock.shift(60_000)
  await store.append([appendOf('any', ...sampleWork(harness, JOB, 1))])
  await appendEnd(store, harness)
  const stored = await storedOf(store, JOB)
  assert.deepEqual(await allDue(store, { before: first!.recordedAt }), [], 'before, not at')
  const before = stored[3]!.recordedAt
  assert.deepEqual(idsOf(await allDue(store, { before })), idsOf(stored.slice(0, 3)))
  assert.equal(await store.retention.remove({ before }, stored.slice(2)), 1)
  const wrong: EventRef[] = [{ position: stored[0]!.position, eventId: stored[1]!.eventId }]
  assert.equal(await store.retention.remove(ALL, wrong), 0, 'another event than was seen')
  assert.equal(await store.retention.remove(ALL, []), 0)
  const last = stored.slice(3)
  assert.equal(await store.retention.remove(ALL, last), 0, 'the last without those before it')
  const page = await store.retention.due(ALL, { after: stored[0]!.position, limit: 1 })
  assert.deepEqual(idsOf(page), idsOf(stored.slice(1, 2)))
  const refused = store.retention.due({ before: 'soon' }, { limit: 1 })
  await refusal(refused, 'TIDINGS_ARGUMENT_INVALID', 'a time that is none')
  assert.equal((await store.retention.deleted()).events, 1)
}

async function wholeStreams(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const [one, two] = ['Sample.Counter/one', 'Sample.Counter/two']
  await store.append([appendOf('any', ...sampleEvents(harness.ids, one, 3))])
  await store.append([appendOf('any', ...sampleEvents(harness.ids, two, 2))])
  await appendEnd(store, harness)
  const reach = (await storedOf(store, one))[1]!.position
  const fence = fenceOf((await claimAs(store, 1, { startAt: reach })).record)
  const streams = { ...ALL, streams: [one, two, 'Sample.Counter/none'] }
  assert.deepEqual(await allDue(store, streams), [], 'half of it is not passed yet')
  const stored = await storedOf(store, one)
  assert.equal(await store.retention.remove(streams, stored), 0)
  await step(store, fence, { mark: { from: reach, to: await store.head() } })
  assert.equal((await allDue(store, streams)).length, 5)
  assert.equal(await store.retention.remove({ ...ALL, streams: [two] }, stored), 0, 'not chosen')
  assert.equal(await store.retention.remove({ ...ALL, streams: [one] }, stored), 3)
  await conflict(store.append([appendOf(0, ...sampleEvents(harness.ids, one, 1))]), {
    stream: one,
    expected: 0,
    actual: 3,
  })
  await store.append([appendOf(3, ...sampleEvents(harness.ids, one, 1))])
}

async function inParts(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const streams = Array.from({ length: 3 }, (_, n) => `Sample.Job/${n}`)
  for (let round = 0; round < 10; round++) {
    for (const stream of streams)
      await store.append([appendOf('any', ...sampleWork(harness, stream, 2))])
  }
  await appendEnd(store, harness)
  const all = await allDue(store)
  assert.equal(all.length, 60)
  const rest = harness.random.shuffle(all)
  while (rest.length > 0) {
    const part = rest.splice(0, 7).sort((a, b) => a.position - b.position)
    await store.retention.remove(ALL, part)
    await assertSound(store)
  }
  while ((await removeDue(store)) > 0);
  assert.equal(await store.catalog.stats().then(({ events }) => events), 1)
  for (const stream of streams) {
    assert.deepEqual(await store.retention.removed(stream), [{ first: 1, last: 20 }])
  }
}

async function outcomesGo(harness: StoreHarness): Promise<void> {
  const { ids } = harness
  const store = await harness.open()
  const parked = sampleParked(ids)
  await claimAs(store, 1)
  await store.transaction((tx) => tx.park([parked]))
  const command = (minutes: number, causationId?: string) =>
    sampleCommand(ids, { createdAt: minutesLater(minutes), causationId })
  const commands = [command(1), command(2, parked.eventId), command(3, ids.newId(1)), command(9)]
  for (const one of commands) await store.commands.record(one)
  const left = async () => {
    const found = await Promise.all(commands.map(({ commandId }) => store.commands.find(commandId)))
    return found.flatMap((one, index) => (one === undefined ? [] : [index]))
  }
  assert.equal(await store.commands.sweep(minutesLater(1)), 0, 'before, not at')
  assert.equal(await store.commands.sweep(minutesLater(9), 1), 1, 'in parts')
  assert.equal(await store.commands.sweep(minutesLater(9)), 1)
  assert.deepEqual(await left(), [1, 3], 'a redrive sends it again')
  await store.transaction((tx) => tx.park([{ ...parked, state: 'resolved' }]))
  assert.equal(await store.commands.sweep(minutesLater(9)), 1)
  assert.deepEqual(await left(), [3])
  assert.equal((await store.retention.deleted()).commands, 3)
  await refusal(store.commands.sweep('soon'), 'TIDINGS_ARGUMENT_INVALID', 'a time that is none')
}

/** What is deleted: only that, and only when nobody needs it. */
export const deletingScenarios: readonly Scenario[] = [
  scenario('B80', 'work goes, facts stay; versions, positions and the head go on', goOn),
  scenario('B81', 'nothing goes that a subscription has still to read', stillToRead),
  scenario('B82', 'nothing goes that is parked and not finished', parkedStays),
  scenario('B83', 'nothing goes behind a reset that was asked for', resetHolds),
  scenario('B84', 'nothing goes that has a topic and was not sent', unsentStays),
  scenario('B85', 'the last of the log stays, and of a stream unless all of it goes', lastStays),
  scenario('B86', 'only what is named, is meant and is as it was seen', onlyNamed),
  scenario('B87', 'a stream that is named goes whole or not at all, facts too', wholeStreams),
  scenario('B88', 'in parts, in any order, the log stays sound', inParts),
  scenario('B89', 'outcomes of commands go, but for those that a redrive sends again', outcomesGo),
]
