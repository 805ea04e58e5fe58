import assert from 'node:assert/strict'
import type { Store } from 'tidings'
import {
  assertSound,
  conflict,
  gate,
  idsOf,
  logIds,
  refusal,
  rejection,
  scenario,
  streamIds,
  turns,
} from './expectations.ts'
import { sampleCommand } from './sample-command.ts'
import { appendOf, sampleEvent, sampleEvents } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const STREAM = 'Sample.Counter/1'

async function refuseClosed({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('any', ...sampleEvents(ids, STREAM, 30))])
  const half = store.readAll({ pageSize: 10 })[Symbol.asyncIterator]()
  await half.next()
  const waiting = refusal(
    store.waitBeyond(await store.head()),
    'TIDINGS_CLOSED',
    'waiting for more',
  )
  await turns()
  await store.close()
  await store.close()
  await store[Symbol.asyncDispose]()
  await waiting
  const calls: [string, () => Promise<unknown>][] = [
    ['append', () => store.append([appendOf('any', sampleEvent(ids))])],
    ['transaction', () => store.transaction(async () => undefined)],
    ['readStream', () => store.readStream(STREAM).toArray()],
    ['readAll', () => store.readAll().toArray()],
    ['query', () => store.query({}).toArray()],
    ['findEvent', () => store.findEvent(sampleEvent(ids).envelope.eventId)],
    ['head', () => store.head()],
    ['waitBeyond', () => store.waitBeyond(0)],
    ['commands.find', () => store.commands.find('x')],
    ['commands.byCorrelation', () => store.commands.byCorrelation('x')],
    ['commands.record', () => store.commands.record(sampleCommand(ids))],
    ['snapshots.load', () => store.snapshots.load(STREAM)],
    [
      'snapshots.save',
      () =>
        store.snapshots.save({ stream: STREAM, streamVersion: 1, snapshotVersion: 1, state: '1' }),
    ],
    ['contracts.declare', () => store.contracts.declare([])],
    ['contracts.list', () => store.contracts.list()],
    ['catalog.types', () => store.catalog.types()],
    ['catalog.streams', () => store.catalog.streams()],
    ['catalog.stats', () => store.catalog.stats()],
    ['catalog.verify', () => Array.fromAsync(store.catalog.verify())],
  ]
  for (const [name, call] of calls) {
    await refusal((async () => call())(), 'TIDINGS_CLOSED', `${name}() of a closed store`)
  }
  await refusal(
    (async () => {
      for (let next = await half.next(); next.done !== true; next = await half.next());
    })(),
    'TIDINGS_CLOSED',
    'reading on after the close',
  )
}

/** What was called before the close ends as if there were none. */
async function finishUnderWay({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('any', sampleEvent(ids))])
  const go = gate()
  const answers: string[] = []
  const note = (name: string) => (): void => void answers.push(name)
  const running = store.transaction(async (tx) => {
    await tx.append([appendOf('any', sampleEvent(ids))])
    await go.passed
    await tx.append([appendOf('any', sampleEvent(ids))])
  })
  const queued = Array.from({ length: 5 }, () => store.append([appendOf('any', sampleEvent(ids))]))
  const all = Promise.all([
    running.then(note('transaction')),
    ...queued.map((one) => one.then(note('append'))),
  ])
  await turns()
  const closing = store.close().then(note('close'))
  await turns()
  assert.deepEqual(answers, [], 'the close waits for the transaction, and the appends behind it')
  go.open()
  await all
  await closing
  assert.equal(answers.length, 7, 'everything was answered')
  assert.equal(answers.at(-1), 'close')
}

async function survive({ open, ids }: StoreHarness): Promise<void> {
  const first = await open()
  const command = sampleCommand(ids)
  const events = sampleEvents(ids, STREAM, 5)
  await first.append([appendOf('any', ...events)], { command })
  const abandoned = first.transaction(async (tx) => {
    await tx.append([appendOf('any', sampleEvent(ids))])
    throw new Error('rolled back')
  })
  await rejection(abandoned, 'a transaction whose work throws')
  const queued = Array.from({ length: 7 }, () => first.append([appendOf('any', sampleEvent(ids))]))
  const closing = first.close()
  await Promise.all(queued)
  await closing
  const second = await open()
  const stored = await second.readAll().toArray()
  assert.equal(stored.length, 12, 'everything acknowledged is there')
  assert.deepEqual(idsOf(stored).slice(0, 5), idsOf(events))
  assert.notEqual(await second.commands.find(command.commandId), undefined)
  const [repeat] = await second.append([appendOf('any', ...events)])
  assert.equal(repeat?.repeated, true)
  const [next] = await second.append([appendOf(12, sampleEvent(ids))])
  assert.equal(next?.version, 13, 'versions go on')
  assert.ok((next?.positions[0] ?? 0) > (stored.at(-1)?.position ?? 0), 'positions go on')
  await assertSound(second)
}

async function shareLog({ open, ids }: StoreHarness): Promise<void> {
  const [one, two] = [await open(), await open()]
  const stores = [one, two]
  const other = (store: Store): Store => (store === one ? two : one)
  for (let version = 0; version < 10; version++) {
    const store = stores[version % 2] ?? one
    const event = sampleEvent(ids)
    const command = sampleCommand(ids)
    const woken = other(store).waitBeyond(await one.head())
    const results = await store.append([appendOf(version, event)], { command })
    await woken
    const seen = await streamIds(other(store), STREAM)
    assert.equal(
      seen.at(-1),
      event.envelope.eventId,
      'seen by the other as soon as it is acknowledged',
    )
    assert.notEqual(await other(store).findEvent(event.envelope.eventId), undefined)
    assert.deepEqual(
      await other(store).commands.find(command.commandId),
      await store.commands.find(command.commandId),
    )
    assert.deepEqual(
      await other(store).append([appendOf(version, event)]),
      results.map((result) => ({ ...result, repeated: true })),
      'a repeat is recognised by the other',
    )
    const facts = { stream: STREAM, expected: version, actual: version + 1 }
    await conflict(other(store).append([appendOf(version, sampleEvent(ids))]), facts)
  }
  assert.deepEqual(await logIds(one), await logIds(two))
}

/** Names that only one instance has met, where a store keeps names apart from events. */
async function shareNames({ open, ids }: StoreHarness): Promise<void> {
  const stores = [await open(), await open()]
  for (let n = 0; n < 6; n++) {
    const [one, other] = n % 2 === 0 ? stores : stores.toReversed()
    assert.ok(one !== undefined && other !== undefined)
    const eventType = `Sample.Novelty${n}.Found`
    const event = sampleEvent(ids, { eventType, stream: `Sample.Novelty${n}/1` })
    const command = sampleCommand(ids, { type: `Sample.Novelty${n}.Find` })
    const types = ['Sample.*.Found']
    assert.equal((await other.query({ types }).toArray()).length, n, 'before')
    await one.append([appendOf('no-stream', event)], { command })
    for (const store of [other, one]) {
      assert.equal((await store.query({ types }).toArray()).length, n + 1, 'by a glob')
      const exact = await store.query({ types: [eventType] }).toArray()
      assert.deepEqual(
        exact.map((found) => found.eventType),
        [eventType],
        'by name',
      )
      assert.equal((await store.commands.find(command.commandId))?.type, command.type)
      assert.equal((await store.catalog.types()).length, n + 1)
    }
  }
  // One and the same new name by both at once.
  const both = stores.map((store) => {
    const event = sampleEvent(ids, { eventType: 'Sample.Novelty.Shared' })
    return store.append([appendOf('any', event)])
  })
  await Promise.all(both)
  for (const store of stores) {
    assert.equal((await store.query({ types: ['Sample.Novelty.Shared'] }).toArray()).length, 2)
  }
}

async function shareWriting({ open, ids }: StoreHarness): Promise<void> {
  const stores = [await open(), await open()]
  let won = 0
  const write = async (store: Store): Promise<void> => {
    for (let n = 0; n < 25; n++) {
      const version =
        (await store.readStream(STREAM, { reverse: true, limit: 1 }).toArray())[0]?.streamVersion ??
        0
      const answer = await Promise.allSettled([store.append([appendOf(version, sampleEvent(ids))])])
      if (answer[0].status === 'fulfilled') won++
      await store.append([appendOf('any', sampleEvent(ids, { stream: 'Sample.Counter/2' }))])
      await store.transaction((tx) =>
        tx.append([appendOf('any', sampleEvent(ids, { stream: 'Sample.Counter/3' }))]),
      )
    }
  }
  await Promise.all(stores.map(write))
  for (const store of stores) {
    assert.equal((await streamIds(store, STREAM)).length, won, 'as many events as appends that won')
    assert.equal((await streamIds(store, 'Sample.Counter/2')).length, 50)
    assert.equal((await streamIds(store, 'Sample.Counter/3')).length, 50)
    await assertSound(store)
  }
}

async function restoreLog({ open, restore, ids }: StoreHarness): Promise<void> {
  if (restore === undefined) return assert.fail('this scenario needs restore')
  const original = await open()
  const command = sampleCommand(ids)
  const events = sampleEvents(ids, STREAM, 20)
  await original.append([appendOf('any', ...events)], { command })
  const cursor = (await original.readAll({ limit: 8 }).toArray()).at(-1)?.position ?? 0
  const before = await original.readAll().toArray()
  const copy = await restore()
  await original.append([appendOf('any', sampleEvent(ids))])
  assert.deepEqual(await copy.readAll().toArray(), before, 'as it was, to the last field')
  assert.deepEqual(
    idsOf(await copy.readAll({ after: cursor }).toArray()),
    idsOf(before).slice(8),
    'cursors go on',
  )
  assert.deepEqual(
    await copy.commands.find(command.commandId),
    await original.commands.find(command.commandId),
  )
  const [repeat] = await copy.append([appendOf('any', ...events)])
  assert.equal(repeat?.repeated, true)
  const [next] = await copy.append([appendOf(20, sampleEvent(ids))])
  assert.equal(next?.version, 21)
  assert.ok((next?.positions[0] ?? 0) > (before.at(-1)?.position ?? 0))
  assert.equal((await logIds(original)).length, 21, 'the original goes its own way')
  await assertSound(copy)
}

async function abortReading({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('any', ...sampleEvents(ids, STREAM, 50))])
  const reason = new Error('enough')
  const readers = (signal: AbortSignal) => [
    store.readAll({ signal, pageSize: 10 }),
    store.readStream(STREAM, { signal, pageSize: 10 }),
    store.query({ types: ['Sample.**'] }, { signal, pageSize: 10 }),
  ]
  for (const reader of readers(AbortSignal.abort(reason))) {
    assert.equal(await rejection(reader.toArray(), 'an aborted reading'), reason)
  }
  for (const at of [3, 10, 20]) {
    const controllers = [0, 1, 2].map(() => new AbortController())
    for (const [index, controller] of controllers.entries()) {
      const reader = readers(controller.signal)[index]
      let seen = 0
      const reading = async (): Promise<void> => {
        for await (const _ of reader ?? []) if (++seen === at) controller.abort(reason)
      }
      assert.equal(await rejection(reading(), 'a reading that is aborted in the middle'), reason)
      assert.equal(seen, at, 'nothing comes after the abort')
    }
  }
  const controller = new AbortController()
  const head = await store.head()
  const waiting = rejection(
    store.waitBeyond(head, { signal: controller.signal }),
    'an aborted waiting',
  )
  await turns()
  controller.abort(reason)
  assert.equal(await waiting, reason)
  const atOnce = store.waitBeyond(head, { signal: AbortSignal.abort(reason) })
  assert.equal(await rejection(atOnce, 'a waiting that is aborted before'), reason)
  const verifying = Array.fromAsync(store.catalog.verify({ signal: AbortSignal.abort(reason) }))
  assert.equal(await rejection(verifying, 'an aborted verify'), reason)
}

/** Opening, sharing, copying, aborting and closing. */
export const lifecycleScenarios: readonly Scenario[] = [
  scenario('B50', 'a closed store refuses every call, and may be closed again', refuseClosed),
  scenario('B51', 'a close waits for what is under way', finishUnderWay),
  scenario('B52', 'a log that is opened again is the same log, and goes on', survive, {
    needs: ['shared'],
  }),
  scenario('B53', 'two instances see each other', shareLog, { needs: ['shared'] }),
  scenario('B54', 'two instances write without losing or mixing anything', shareWriting, {
    needs: ['shared'],
  }),
  scenario('B55', 'a restored copy is the same log, and goes on', restoreLog, {
    needs: ['restore'],
  }),
  scenario('B57', 'names that one instance made up are known to the other', shareNames, {
    needs: ['shared'],
  }),
  scenario('B56', 'an aborted reading ends at once, with the reason', abortReading),
]
