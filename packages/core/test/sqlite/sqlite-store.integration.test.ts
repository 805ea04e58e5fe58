import { DatabaseSync } from 'node:sqlite'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import {
  ConcurrencyError,
  EventIdConflictError,
  StoreError,
} from '../../src/errors/store-errors.ts'
import { openConnection } from '../../src/sqlite/connection.ts'
import { readOptions, type AppendStep } from '../../src/sqlite/options.ts'
import { sqlite, type SqliteStore } from '../../src/sqlite.ts'
import { CommandIdTakenError } from '../../src/store/command-record.ts'
import { append, command, event, scratch } from './log-fixture.ts'

let folder: ReturnType<typeof scratch>
let store: SqliteStore

beforeEach(() => {
  folder = scratch()
  store = sqlite(folder.path('log.db'))
})

afterEach(async () => {
  await store.close()
  folder.remove()
})

describe('connections', () => {
  test.each([
    ['full', 2],
    ['normal', 1],
  ] as const)('have the settings that the promises rest on: %s', async (synchronous, level) => {
    await store.open()
    const settings = readOptions({ file: folder.path('log.db'), synchronous })
    for (const role of ['writer', 'reader'] as const) {
      const connection = openConnection(settings, role)
      const value = (name: string): unknown =>
        Object.values(connection.db.prepare(`pragma ${name}`).get() ?? {})[0]
      expect(value('journal_mode')).toBe('wal')
      expect(value('synchronous')).toBe(level)
      expect(value('busy_timeout')).toBe(0)
      expect(value('wal_autocheckpoint')).toBe(1000)
      expect(value('temp_store')).toBe(2)
      expect(value('foreign_keys')).toBe(1)
      connection.close()
    }
  })

  test('a setting that does not take is an error', async () => {
    await store.append([append('A/1', 'any')])
    const settings = readOptions({ file: folder.path('log.db'), maxPages: 3 })
    expect(() => openConnection(settings, 'writer')).toThrow(/max_page_count = 3, it stays at \d+/)
  })

  test.each([
    [{ file: '' }, /path of a file/],
    [{ file: ':memory:' }, /memory\(\)/],
    [{ file: 'a.db', synchronous: 'off' as 'full' }, /'full' or 'normal'/],
    [{ file: 'a.db', busyLimitMs: -1 }, /busyLimitMs/],
  ])('options that cannot be are refused: %j', (options, message) => {
    expect(() => sqlite(options)).toThrow(message)
  })
})

describe('group commit', () => {
  function stepsOf(): { steps: AppendStep[]; grouped: SqliteStore } {
    const steps: AppendStep[] = []
    const file = folder.path('steps.db')
    return { steps, grouped: sqlite({ file, onStep: (step) => steps.push(step) }) }
  }

  test('appends of one turn share a transaction, and each gets its own answer', async () => {
    const { steps, grouped } = stepsOf()
    await grouped.open()
    const outcomes = await Promise.allSettled([
      grouped.append([append('A/1', 0)]),
      grouped.append([append('A/1', 0)]),
      grouped.append([append('A/2', 0)]),
      grouped.append([append('A/1', 1)]),
    ])
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(outcomes[1]).toMatchObject({ reason: { expected: 0, actual: 1 } })
    expect(steps.filter((step) => step === 'begin')).toHaveLength(1)
    expect(steps.filter((step) => step === 'inserted')).toHaveLength(3)
    expect(steps.slice(-3)).toEqual(['before-commit', 'after-commit', 'acknowledged'])
    await grouped.close()
  })

  test('an id that is elsewhere, found by the unique index, fails its own append only', async () => {
    const taken = event('A/1')
    await store.append([append('A/1', 0, taken)])
    const clash = event('B/2', { eventId: taken.envelope.eventId })
    const outcomes = await Promise.allSettled([
      store.append([append('B/1', 0)]),
      store.append([append('B/2', 0, event('B/2'), clash)]),
      store.append([append('B/3', 0)], { command: command() }),
    ])
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    const { reason } = outcomes[1] as PromiseRejectedResult
    expect(reason).toBeInstanceOf(EventIdConflictError)
    expect(reason).toMatchObject({ stream: 'B/2', foundStream: 'A/1', foundVersion: 1 })
    const streams = await store.catalog.streams()
    expect(streams.map(({ stream }) => stream)).toEqual(['A/1', 'B/1', 'B/3'])
  })

  test('an event that cannot be written fails alone, whatever is wrong with it', async () => {
    const broken = { ...event('A/1'), payloadJson: Symbol('none') as unknown as string }
    const odd = event('A/3', { metadata: { tenant: { name: 'x' } as unknown as string } })
    const outcomes = await Promise.allSettled([
      store.append([append('A/1', 0, broken)]),
      store.append([append('A/2', 0)]),
      store.append([append('A/3', 0, odd)]),
    ])
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(await store.head()).toBe(2)
  })

  test('a failing commit fails all of its appends, and stores none', async () => {
    let fail = true
    const failing = sqlite({
      file: folder.path('failing.db'),
      onStep: (step) => {
        if (step === 'before-commit' && fail) throw new StoreError('TIDINGS_STORE_FAILED', 'x', 'x')
      },
    })
    const outcomes = await Promise.allSettled([
      failing.append([append('A/1', 0)]),
      failing.append([append('A/2', 0, event('A/2', { eventType: 'Todo.Item.Renamed' }))]),
    ])
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
    expect(await failing.head()).toBe(0)
    fail = false
    // The names of types that were rolled back are made anew.
    await failing.append([append('A/2', 0, event('A/2', { eventType: 'Todo.Item.Renamed' }))])
    const [stored] = await failing.readAll().toArray()
    expect(stored?.eventType).toBe('Todo.Item.Renamed')
    await failing.close()
  })

  test('an append whose signal is aborted while it waits stores nothing', async () => {
    const controller = new AbortController()
    const first = store.append([append('A/1', 0)])
    const second = store.append([append('A/2', 0)], { signal: controller.signal })
    controller.abort(new Error('changed my mind'))
    await expect(second).rejects.toThrow('changed my mind')
    await first
    expect(await store.head()).toBe(1)
  })

  test('recordedAt never falls when the clock steps back, also after a restart', async () => {
    let nowMs = 5000
    const clock = { now: () => nowMs, sleep: () => Promise.resolve() }
    const file = folder.path('clock.db')
    const stepping = sqlite({ file, clock })
    await stepping.append([append('A/1', 0)])
    await stepping.close()
    nowMs = 1000
    const again = sqlite({ file, clock })
    const [result] = await again.append([append('A/2', 0)])
    expect(result?.recordedAt).toBe('1970-01-01T00:00:05.000Z')
    await again.close()
  })
})

describe('idempotency', () => {
  test.each(['any', 'stream-exists', 0, 2, 'no-stream'] as const)(
    'a repeat that expects %s gets the first result and writes nothing',
    async (expected) => {
      const events = [event('A/1'), event('A/1')]
      const [first] = await store.append([append('A/1', 0, ...events)])
      const [second] = await store.append([append('A/1', expected, ...events)])
      expect(second).toEqual({ ...first, repeated: true })
      expect(await store.head()).toBe(2)
    },
  )

  test('only some streams of an append being there already is a clash', async () => {
    const there = event('A/1')
    await store.append([append('A/1', 0, there)])
    const appends = [append('B/1', 'any'), append('A/1', 'any', there)]
    await expect(store.append(appends)).rejects.toBeInstanceOf(EventIdConflictError)
    await expect(store.append(appends.toReversed())).rejects.toBeInstanceOf(EventIdConflictError)
    expect(await store.head()).toBe(1)
  })

  test('a command is recorded with the positions of its events', async () => {
    const given = command({ result: '{"a":1}', stream: 'A/1', streamVersion: 2, actor: 'ann' })
    await store.append([append('B/1', 0)])
    await store.append([append('A/1', 0, event('A/1'), event('A/1'))], { command: given })
    const wanted = { ...given, firstPosition: 2, lastPosition: 3 }
    expect(await store.commands.find(given.commandId)).toEqual(wanted)
    expect(await store.commands.byCorrelation(given.correlationId)).toEqual([wanted])
  })

  test('a taken command id stores nothing, whatever the versions say', async () => {
    const given = command()
    await store.append([append('A/1', 0)], { command: given })
    for (const expected of [0, 1, 'any'] as const) {
      await expect(
        store.append([append('A/1', expected)], { command: given }),
      ).rejects.toBeInstanceOf(CommandIdTakenError)
    }
    expect(await store.head()).toBe(1)
  })

  test('a repeat of events with another command records no second command', async () => {
    const events = [event('A/1')]
    const second = command()
    await store.append([append('A/1', 0, ...events)], { command: command() })
    const [result] = await store.append([append('A/1', 0, ...events)], { command: second })
    expect(result?.repeated).toBe(true)
    expect(await store.commands.find(second.commandId)).toBeUndefined()
  })

  test('commands without events: recorded once', async () => {
    const given = command({ outcome: 'failed', result: '{"message":"no"}' })
    await store.commands.record(given)
    await expect(store.commands.record(given)).rejects.toBeInstanceOf(CommandIdTakenError)
    expect(await store.commands.find(given.commandId)).toEqual(given)
  })
})

describe('the indexes behind the mark', () => {
  test('are filled by batches while appends go on, and readers see everything at any time', async () => {
    const small = sqlite({ file: folder.path('small.db'), maxUnindexed: 50 })
    for (let round = 0; round < 30; round++) {
      const types = ['Todo.Item.Created', 'Todo.Item.Done', 'Todo.List.Made']
      await Promise.all(
        types.map((eventType) =>
          small.append([
            append(`A/${round}-${eventType}`, 0, event(`A/${round}-${eventType}`, { eventType })),
          ]),
        ),
      )
      const found = await small.query({ types: ['Todo.Item.*'] }).toArray()
      expect(found).toHaveLength(2 * (round + 1))
    }
    const types = await small.catalog.types()
    expect(types.map(({ eventType, count }) => [eventType, count])).toEqual([
      ['Todo.Item.Created', 30],
      ['Todo.Item.Done', 30],
      ['Todo.List.Made', 30],
    ])
    const faults = await Array.fromAsync(small.catalog.verify())
    expect(faults).toEqual([])
    await small.close()
    const db = new DatabaseSync(folder.path('small.db'))
    expect(db.prepare('select position from index_mark').get()).toEqual({ position: 90 })
    expect(db.prepare('select count(*) as n from event_type_index').get()).toEqual({ n: 90 })
    db.close()
  })

  test('two processes that fill do no harm: each looks at the mark in its transaction', async () => {
    const other = sqlite({ file: folder.path('log.db'), maxUnindexed: 1 })
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? store : other).append([append(`A/${index}`, 0)]),
      ),
    )
    await other.close()
    expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
    expect(await store.query({ types: ['**'] }).toArray()).toHaveLength(40)
  })
})

describe('snapshots and contracts', () => {
  test('a snapshot of an earlier event does not replace one of a later event', async () => {
    const snapshot = { stream: 'A/1', streamVersion: 20, snapshotVersion: 1, state: '{"n":20}' }
    await store.snapshots.save(snapshot)
    await store.snapshots.save({ ...snapshot, streamVersion: 10, state: '{"n":10}' })
    expect(await store.snapshots.load('A/1')).toEqual(snapshot)
    await store.snapshots.save({ ...snapshot, snapshotVersion: 2 })
    expect(await store.snapshots.load('A/1')).toEqual({ ...snapshot, snapshotVersion: 2 })
    expect(await store.snapshots.load('A/2')).toBeUndefined()
  })

  test('a declared contract comes back as it was, and a later one replaces it', async () => {
    const contract = {
      type: 'Todo.Item.Created',
      version: 2,
      kind: 'event' as const,
      aliases: ['TodoCreated'],
      topic: 'todos',
      sensitive: ['/title'],
      schemaHash: 'abc',
      inputSchema: { type: 'object' },
      outputSchema: undefined,
    }
    await store.contracts.declare([contract, { ...contract, version: 1, topic: undefined }])
    await store.contracts.declare([{ ...contract, aliases: [] }])
    expect(await store.contracts.list()).toEqual([
      { ...contract, version: 1, topic: undefined },
      { ...contract, aliases: [] },
    ])
  })
})

test('an error of the log carries what it is about', async () => {
  await store.append([append('A/1', 0)])
  const failure = await store.append([append('A/1', 'no-stream')]).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ConcurrencyError)
  expect(failure).toMatchObject({ stream: 'A/1', expected: 'no-stream', actual: 1 })
})

test('closing waits for what is under way, and later calls are refused', async () => {
  const appended = store.append([append('A/1', 0)])
  const slow = store.transaction(async (tx) => {
    await tx.append([append('A/2', 0)])
    await new Promise((resolve) => setImmediate(resolve))
    await tx.append([append('A/3', 0)])
  })
  const waiting = store.waitBeyond(1000)
  const refused = expect(waiting).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
  await store.head()
  await store.close()
  await Promise.all([appended, slow, refused])
  await expect(store.append([append('A/4', 0)])).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
  await expect(store.readAll().toArray()).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
  store = sqlite(folder.path('log.db'))
  expect(await store.head()).toBe(3)
})
