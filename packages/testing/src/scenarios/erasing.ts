import assert from 'node:assert/strict'
import type { ErasureRequest, StoredEnvelope } from 'tidings'
import { ALL, allDue, sampleWork } from './deleting.ts'
import { assertSound, idsOf, refusal, scenario } from './expectations.ts'
import { sampleCommand } from './sample-command.ts'
import { claimAs, sampleOperation, sampleParked, sampleTimer } from './sample-delivery.ts'
import { appendOf, sampleEvent, sampleEvents } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const ANN = 'Sample.Person/ann'
const BEN = 'Sample.Person/ben'

function request(harness: StoreHarness, facts: Partial<ErasureRequest>): ErasureRequest {
  const erasureId = harness.ids.newId(1)
  return { erasureId, requestedBy: 'dpo', reason: 'case 17', ...facts }
}

async function eraseStream(harness: StoreHarness): Promise<void> {
  const { ids } = harness
  const store = await harness.open()
  const metadata = { actor: 'clerk', foreign: { members: { phone: '1' } } }
  const ann = [
    sampleEvent(ids, { stream: ANN, payload: { name: 'Ann' }, metadata }),
    sampleEvent(ids, { stream: ANN, payload: { name: 'Ann B' } }),
  ]
  await store.append([appendOf('any', ...ann), appendOf('any', ...sampleEvents(ids, BEN, 2))])
  const before = await store.readAll().toArray()
  const empty = { events: 0, snapshots: 0, parked: 0, commands: 0, timers: 0 }
  const asked = request(harness, { streams: [ANN] })
  assert.deepEqual(await store.retention.planErasure(asked), { ...empty, events: 2 })
  assert.deepEqual(await store.readAll().toArray(), before, 'a plan changes nothing')
  const record = await store.retention.erase(asked)
  assert.deepEqual(record.counts, { ...empty, events: 2 })
  const after = await store.readAll().toArray()
  const emptied = (event: StoredEnvelope): StoredEnvelope => {
    const { foreign: _, ...rest } = event.metadata
    return { ...event, payload: null, metadata: rest, erased: true }
  }
  const isAnn = ({ aggregateId }: StoredEnvelope): boolean => aggregateId === 'ann'
  assert.deepEqual(
    after,
    before.map((event) => (isAnn(event) ? emptied(event) : event)),
  )
  const again = await store.retention.erase({ ...asked, streams: [BEN] })
  assert.deepEqual(again, record, 'the same erasure is done once')
  assert.deepEqual(await store.retention.erasures(), [record])
  const { requestedBy, reason, request: kept } = record
  assert.deepEqual(
    { requestedBy, reason, kept },
    { requestedBy: 'dpo', reason: 'case 17', kept: { streams: [ANN], eventIds: [] } },
  )
  const [repeat] = await store.append([appendOf('any', ...ann)])
  assert.equal(repeat?.repeated, true, 'its ids are known')
  const [next] = await store.append([appendOf(2, sampleEvent(ids, { stream: ANN }))])
  assert.equal(next?.version, 3)
  await assertSound(store)
}

async function eraseEverywhere(harness: StoreHarness): Promise<void> {
  const { ids } = harness
  const store = await harness.open()
  const fact = sampleEvent(ids, { stream: ANN, payload: { name: 'Ann' } })
  const { eventId } = fact.envelope
  const [task] = sampleWork(harness, 'Sample.Job/1', 1)
  const led = { ...task!, envelope: { ...task!.envelope, causationId: eventId } }
  const own = sampleCommand(ids, { result: '{"name":"Ann"}', stream: ANN })
  await store.append([appendOf('any', fact)], { command: own })
  await store.append([appendOf('any', led), appendOf('any', ...sampleEvents(ids, BEN, 1))])
  const byEvent = sampleCommand(ids, { result: '{"name":"Ann"}', causationId: eventId })
  const other = sampleCommand(ids, { result: '{"name":"Ben"}', stream: BEN })
  for (const command of [byEvent, other]) await store.commands.record(command)
  const snapshot = { streamVersion: 1, snapshotVersion: 1, state: '{"name":"Ann"}' }
  await store.snapshots.save({ stream: ANN, ...snapshot })
  await store.snapshots.save({ stream: BEN, ...snapshot })
  await claimAs(store, 1)
  const parked = sampleParked(ids, { eventId, edited: '{"name":"Anna"}' })
  const timers = [
    sampleTimer(ids, { causationId: eventId }),
    sampleTimer(ids, { causationId: ids.newId(1) }),
  ] as const
  await store.transaction(async (tx) => {
    await tx.park([parked, sampleParked(ids)])
    await tx.setTimers(timers)
  })
  const edits = { [parked.parkedId]: '{"name":"Anna"}' }
  const redrive = sampleOperation(ids, { request: { edits } })
  await store.operations.request(redrive)
  const asked = request(harness, { eventIds: [eventId] })
  const counts = { events: 2, snapshots: 1, parked: 1, commands: 2, timers: 1 }
  assert.deepEqual(await store.retention.planErasure(asked), counts)
  assert.deepEqual((await store.retention.erase(asked)).counts, counts)
  const events = await store.readAll().toArray()
  assert.deepEqual(
    events.map(({ erased }) => erased),
    [true, true, undefined],
  )
  assert.equal(await store.snapshots.load(ANN), undefined)
  assert.notEqual(await store.snapshots.load(BEN), undefined)
  assert.equal((await store.commands.find(own.commandId))?.result, undefined)
  assert.equal((await store.commands.find(byEvent.commandId))?.result, undefined)
  assert.equal((await store.commands.find(other.commandId))?.result, other.result)
  const letter = await store.parked.find(parked.parkedId)
  assert.deepEqual([letter?.bytes, letter?.edited], [undefined, undefined])
  assert.deepEqual(
    letter?.attempts.map(({ error }) => error),
    [{ name: 'Error', code: 'E_SAMPLE', message: '[erased]' }],
  )
  assert.equal(letter?.state, 'parked', 'its place in the order is kept')
  const timer = await store.timers.find(timers[0].timerId)
  assert.deepEqual([timer?.state, timer?.input], ['cancelled', {}])
  assert.deepEqual(await store.timers.find(timers[1].timerId), timers[1])
  const operation = await store.operations.find(redrive.operationId)
  assert.deepEqual(operation?.request, { edits: { [parked.parkedId]: 'null' } })
  const none = { events: 0, snapshots: 0, parked: 0, commands: 0, timers: 0 }
  assert.deepEqual(await store.retention.planErasure(asked), none, 'nothing of it is left')
}

async function refuseErasures(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  await store.append([appendOf('any', ...sampleEvents(harness.ids, ANN, 1))])
  for (const facts of [
    {},
    { streams: [] },
    { streams: [ANN], requestedBy: '' },
    { eventIds: ['x'], reason: '' },
  ]) {
    const refused = store.retention.erase(request(harness, facts))
    await refusal(refused, 'TIDINGS_ARGUMENT_INVALID', 'an erasure of nothing, or by nobody')
  }
  const unknown = await store.retention.erase(
    request(harness, {
      streams: ['Sample.Person/nobody'],
      eventIds: ['no-id', harness.ids.newId(1)],
    }),
  )
  assert.equal(unknown.counts.events, 0, 'that it was asked is kept all the same')
  assert.equal((await store.retention.erasures()).length, 1)
  const [event] = await store.readAll().toArray()
  assert.deepEqual(event?.payload, { n: 1 })
}

async function eraseThenDelete(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const work = sampleWork(harness, 'Sample.Job/1', 2)
  await store.append([appendOf('any', ...work)])
  await store.append([appendOf('any', sampleEvent(harness.ids))])
  await store.retention.erase(request(harness, { streams: ['Sample.Job/1'] }))
  const due = await allDue(store)
  assert.deepEqual(idsOf(due), idsOf(work))
  assert.ok(due.every(({ erased }) => erased === true))
  assert.equal(await store.retention.remove(ALL, due), 2)
}

/** What is erased: the payload, wherever it is; and that it was is kept. */
export const erasingScenarios: readonly Scenario[] = [
  scenario('B93', 'of a stream that is erased all is kept but its payloads', eraseStream),
  scenario(
    'B94',
    'what is erased is nowhere: tasks, snapshots, letters, outcomes, timers',
    eraseEverywhere,
  ),
  scenario('B95', 'an erasure names something, and says who asked and why', refuseErasures),
  scenario('B96', 'what is erased can be deleted later', eraseThenDelete),
]
