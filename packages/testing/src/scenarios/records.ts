import assert from 'node:assert/strict'
import type { DeclaredContract, Snapshot, Store } from 'tidings'
import { assertRising, assertSound, idsOf, logIds, refusal, scenario } from './expectations.ts'
import { sampleCommand } from './sample-command.ts'
import { appendOf, sampleEvent, sampleEvents } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const STREAM = 'Sample.Counter/1'

async function commandsWithEvents({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('any', sampleEvent(ids))])
  const correlationId = ids.newId(1)
  const full = sampleCommand(ids, {
    correlationId,
    causationId: ids.newId(2),
    actor: 'Ada',
    stream: STREAM,
    streamVersion: 3,
    result: '{"ok":true}',
  })
  const two = [
    appendOf('any', ...sampleEvents(ids, STREAM, 2)),
    appendOf('any', ...sampleEvents(ids, 'Sample.Counter/2', 2)),
  ]
  const results = await store.append(two, { command: full })
  const positions = results.flatMap((result) => result.positions)
  const kept = { ...full, firstPosition: positions[0], lastPosition: positions.at(-1) }
  assert.deepEqual(await store.commands.find(full.commandId), kept)
  const inside = sampleCommand(ids, { correlationId, createdAt: '2026-11-22T00:00:00.000Z' })
  const [last] = await store.transaction((tx) =>
    tx.append([appendOf('any', sampleEvent(ids))], { command: inside }),
  )
  const position = last?.positions[0]
  const keptInside = { ...inside, firstPosition: position, lastPosition: position }
  const other = sampleCommand(ids, { outcome: 'failed', result: '{"message":"no"}' })
  await store.commands.record(other)
  assert.deepEqual(await store.commands.find(other.commandId), other)
  assert.deepEqual(await store.commands.byCorrelation(correlationId), [kept, keptInside])
  assert.equal((await store.catalog.stats()).commands, 3)
}

async function commandsWithoutEvents({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const alone = sampleCommand(ids)
  const inside = sampleCommand(ids)
  assert.deepEqual(await store.append([], { command: alone }), [])
  await store.transaction(async (tx) => {
    assert.deepEqual(await tx.append([], { command: inside }), [])
  })
  assert.deepEqual(await store.commands.find(alone.commandId), alone)
  assert.deepEqual(await store.commands.find(inside.commandId), inside)
  assert.equal(await store.head(), 0)
}

async function commandsAreAtomic({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const known = sampleEvent(ids)
  await store.append([appendOf('any', known)])
  const conflicting = sampleCommand(ids)
  await refusal(
    store.append([appendOf(7, sampleEvent(ids))], { command: conflicting }),
    'TIDINGS_CONCURRENCY_CONFLICT',
    'a wrong version',
  )
  assert.equal(await store.commands.find(conflicting.commandId), undefined, 'no events, no command')
  const clashing = sampleCommand(ids)
  await refusal(
    store.append([appendOf('any', sampleEvent(ids), known)], { command: clashing }),
    'TIDINGS_EVENT_ID_CONFLICT',
    'a known id',
  )
  assert.equal(await store.commands.find(clashing.commandId), undefined)
  const taken = sampleCommand(ids)
  const events = sampleEvents(ids, STREAM, 2)
  await store.append([appendOf(1, ...events)], { command: taken })
  const before = await logIds(store)
  for (const expected of ['any', 3, 7] as const) {
    const error = await refusal(
      store.append([appendOf(expected, sampleEvent(ids))], { command: taken }),
      'TIDINGS_COMMAND_ID_CONFLICT',
      `a command a second time, where ${expected} is expected`,
    )
    assert.equal((error as unknown as { commandId: string }).commandId, taken.commandId)
  }
  await refusal(
    store.append([], { command: taken }),
    'TIDINGS_COMMAND_ID_CONFLICT',
    'a command alone',
  )
  await refusal(store.commands.record(taken), 'TIDINGS_COMMAND_ID_CONFLICT', 'a command alone')
  const inside = store.transaction((tx) =>
    tx.append([appendOf('any', sampleEvent(ids))], { command: taken }),
  )
  await refusal(inside, 'TIDINGS_COMMAND_ID_CONFLICT', 'a command in a transaction')
  assert.deepEqual(await logIds(store), before, 'no events without their command')
  const [again] = await store.append([appendOf(1, ...events)], { command: taken })
  assert.equal(
    again?.repeated,
    true,
    'ids come first: the same events with the same command are a repeat',
  )
}

async function commandsAtOnce({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const command = sampleCommand(ids)
  const answers = await Promise.allSettled(
    sampleEvents(ids, STREAM, 12).map((event) =>
      store.append([appendOf('any', event)], { command }),
    ),
  )
  const lost = answers.filter((answer) => answer.status === 'rejected')
  assert.equal(lost.length, 11, 'one of those with the same command is stored')
  for (const { reason } of lost) {
    assert.equal((reason as { code: string }).code, 'TIDINGS_COMMAND_ID_CONFLICT')
  }
  assert.equal((await logIds(store)).length, 1)
}

interface Counter {
  readonly total: number
  readonly count: number
}

const start: Counter = { total: 0, count: 0 }

/** The state of a stream, from a snapshot on where there is a fitting one. */
async function fold(
  store: Store,
  stream: string,
  snapshotVersion: number | undefined,
): Promise<Counter> {
  const snapshot = snapshotVersion === undefined ? undefined : await store.snapshots.load(stream)
  const usable = snapshot?.snapshotVersion === snapshotVersion ? snapshot : undefined
  let state = usable === undefined ? start : (JSON.parse(usable.state) as Counter)
  for await (const event of store.readStream(stream, { from: (usable?.streamVersion ?? 0) + 1 })) {
    const { by } = event.payload as { by: number }
    state = { total: state.total + by, count: state.count + 1 }
  }
  return state
}

async function snapshotsAgree({ open, ids, random }: StoreHarness): Promise<void> {
  const store = await open()
  for (let round = 0; round < 30; round++) {
    const events = Array.from({ length: 1 + random.below(4) }, () =>
      sampleEvent(ids, { payload: { by: random.below(100) } }),
    )
    const [result] = await store.append([appendOf('any', ...events)])
    const whole = await fold(store, STREAM, undefined)
    assert.equal(whole.count, result?.version)
    assert.deepEqual(await fold(store, STREAM, 1), whole, 'from a snapshot as from the beginning')
    if (random.below(2) === 0) continue
    await store.snapshots.save({
      stream: STREAM,
      streamVersion: result?.version ?? 0,
      snapshotVersion: 1,
      state: JSON.stringify(whole),
    })
    assert.deepEqual(await fold(store, STREAM, 1), whole)
    assert.deepEqual(await fold(store, STREAM, 2), whole, 'one of another version is passed over')
  }
}

async function snapshotsKeepTheNewer({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const at = (streamVersion: number, snapshotVersion: number): Snapshot => ({
    stream: STREAM,
    streamVersion,
    snapshotVersion,
    state: JSON.stringify({ streamVersion, text: 'Grüße' }),
  })
  const load = () => store.snapshots.load(STREAM)
  await store.snapshots.save(at(10, 1))
  assert.deepEqual(await load(), at(10, 1))
  await store.snapshots.save(at(9, 1))
  assert.deepEqual(await load(), at(10, 1), 'an older one changes nothing')
  await store.snapshots.save(at(10, 2))
  assert.deepEqual(await load(), at(10, 2), 'the same place, by newer code')
  await store.snapshots.save(at(11, 2))
  assert.deepEqual(await load(), at(11, 2))
  assert.equal(await store.snapshots.load('Sample.Counter/2'), undefined)
}

async function contractsAreKept({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const contract = (
    type: string,
    version: number,
    more: Partial<DeclaredContract> = {},
  ): DeclaredContract => ({
    type,
    version,
    kind: 'event',
    aliases: [],
    topic: undefined,
    sensitive: [],
    schemaHash: undefined,
    inputSchema: undefined,
    outputSchema: undefined,
    ...more,
  })
  const full = contract('Sample.Parcel.Sent', 2, {
    aliases: ['PARCEL_SENT'],
    topic: 'sample-facts',
    sensitive: ['/address'],
    schemaHash: '0123456789abcdef',
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object', required: ['address'] },
  })
  await store.contracts.declare([
    full,
    contract('Sample.Parcel.Sent', 1),
    contract('A.First.Done', 1),
  ])
  const changed = contract('Sample.Parcel.Sent', 1, { kind: 'task' })
  await store.contracts.declare([changed])
  await store.contracts.declare([])
  assert.deepEqual(await store.contracts.list(), [contract('A.First.Done', 1), changed, full])
}

async function catalogCounts({ open, ids, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const before = new Date(clock.now()).toISOString()
  const streams = ['B.x/2', 'B.x/10', 'A.x/1', 'B.x/\u{1F680}', 'B.x/\uFF5E', 'B.y/1', 'B.x/1%']
  for (const [index, stream] of streams.entries()) {
    for (let n = 0; n <= index; n++) {
      const sample = {
        stream,
        eventType: n === 0 ? 'B.x.Begun' : 'B.x.Continued',
        eventVersion: 1 + (n % 2),
      }
      const timestamp = `2026-01-0${1 + n}T00:00:00.000Z`
      await store.append([appendOf('any', sampleEvent(ids, { ...sample, timestamp }))])
    }
  }
  const ordered = ['A.x/1', 'B.x/1%', 'B.x/10', 'B.x/2', 'B.x/\uFF5E', 'B.x/\u{1F680}', 'B.y/1']
  const all = await store.catalog.streams()
  assert.deepEqual(
    all.map(({ stream, version }) => [stream, version]),
    ordered.map((stream) => [stream, streams.indexOf(stream) + 1]),
    'in the order of the bytes of their names',
  )
  const names = async (options: object): Promise<string[]> =>
    (await store.catalog.streams(options)).map(({ stream }) => stream)
  assert.deepEqual(await names({ prefix: 'B.x/' }), ordered.slice(1, 6))
  assert.deepEqual(await names({ prefix: 'B.x/1%' }), ['B.x/1%'])
  assert.deepEqual(await names({ prefix: 'B_x' }), [])
  assert.deepEqual(await names({ after: 'B.x/10', limit: 2 }), ordered.slice(3, 5))
  assert.deepEqual(await names({ after: 'B.x/10', prefix: 'B.x/\u{1F680}' }), ['B.x/\u{1F680}'])
  const [first] = all
  assert.deepEqual(
    [first?.firstSeen, first?.lastSeen],
    ['2026-01-01T00:00:00.000Z', '2026-01-03T00:00:00.000Z'],
  )
  assert.deepEqual(await store.catalog.types(), [
    {
      eventType: 'B.x.Begun',
      count: 7,
      firstSeen: '2026-01-01T00:00:00.000Z',
      lastSeen: '2026-01-01T00:00:00.000Z',
      versions: [1],
    },
    {
      eventType: 'B.x.Continued',
      count: 21,
      firstSeen: '2026-01-02T00:00:00.000Z',
      lastSeen: '2026-01-07T00:00:00.000Z',
      versions: [1, 2],
    },
  ])
  const {
    bytes,
    firstRecordedAt = '',
    lastRecordedAt = '',
    ...counts
  } = await store.catalog.stats()
  assert.deepEqual(counts, {
    events: 28,
    streams: 7,
    types: 2,
    commands: 0,
    head: await store.head(),
  })
  assert.ok(firstRecordedAt >= before && lastRecordedAt >= firstRecordedAt)
  assert.ok(bytes === undefined || bytes > 0)
  const events = await store.readAll().toArray()
  assertRising(
    events.map(({ position }) => position),
    'positions',
  )
  assert.equal(idsOf(events).length, 28)
  await assertSound(store)
}

/** What a store keeps beside events: commands with theirs, snapshots, contracts, and what it knows of itself. */
export const recordScenarios: readonly Scenario[] = [
  scenario('B40', 'a command is recorded with its events and their positions', commandsWithEvents),
  scenario('B41', 'a command without events is recorded too', commandsWithoutEvents),
  scenario(
    'B42',
    'no command without its events, no events without their command',
    commandsAreAtomic,
  ),
  scenario('B43', 'of many appends with one command one is stored', commandsAtOnce),
  scenario('B44', 'the state from a snapshot is the state from the beginning', snapshotsAgree),
  scenario('B45', 'of two snapshots the newer is kept', snapshotsKeepTheNewer),
  scenario('B46', 'contracts are kept as they were last declared', contractsAreKept),
  scenario('B47', 'the catalog counts what is there', catalogCounts),
]
