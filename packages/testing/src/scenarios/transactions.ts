import assert from 'node:assert/strict'
import type { SqlTransaction, Store, StoreTransaction } from 'tidings'
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

async function rollBack({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const kept = sampleEvent(ids)
  await store.append([appendOf('any', kept)])
  const head = await store.head()
  const lost = sampleEvents(ids, 'Sample.Counter/2', 3)
  const command = sampleCommand(ids)
  const reason = new Error('the caller thinks better of it')
  const work = async (tx: StoreTransaction): Promise<never> => {
    await tx.append([appendOf('no-stream', ...lost)], { command })
    await tx.append([appendOf(1, sampleEvent(ids))])
    throw reason
  }
  const error = await rejection(store.transaction(work), 'a transaction whose work throws')
  assert.equal(error, reason, 'the very error of the work')
  assert.equal(await store.head(), head)
  assert.deepEqual(await logIds(store), idsOf([kept]), 'nothing is left')
  assert.deepEqual(await streamIds(store, 'Sample.Counter/2'), [])
  assert.equal(await store.commands.find(command.commandId), undefined)
  const [again] = await store.append([appendOf('no-stream', ...lost)], { command })
  assert.equal(again?.repeated, false, 'its ids are free')
  assert.ok((again?.positions[0] ?? 0) > head)
  const atOnce = store.transaction(() => {
    throw reason
  })
  assert.equal(await rejection(atOnce, 'a transaction whose work throws at once'), reason)
  await assertSound(store)
}

async function readOwn({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const events = sampleEvents(ids, STREAM, 3)
  await store.append([appendOf('any', ...events.slice(0, 1))])
  const answer = await store.transaction(async (tx) => {
    assert.deepEqual(idsOf(await tx.readStream(STREAM).toArray()), idsOf(events.slice(0, 1)))
    const [second] = await tx.append([appendOf(1, ...events.slice(1, 2))])
    const [third] = await tx.append([appendOf(second?.version ?? 0, ...events.slice(2))])
    const own = await tx.readStream(STREAM, { pageSize: 2 }).toArray()
    assert.deepEqual(idsOf(own), idsOf(events), 'a transaction sees its own events')
    assert.deepEqual(
      own.map((event) => event.streamVersion),
      [1, 2, 3],
    )
    assert.deepEqual(
      own.slice(1).map((event) => event.position),
      [second?.positions[0], third?.positions[0]],
    )
    const tail = await tx.readStream(STREAM, { from: 2, reverse: true }).toArray()
    assert.deepEqual(idsOf(tail), idsOf(events.slice(1).reverse()))
    const [repeat] = await tx.append([appendOf('any', ...events.slice(1))])
    assert.equal(repeat?.repeated, true, 'and recognises them')
    return 'answer'
  })
  assert.equal(answer, 'answer', 'what the work resolves to')
  assert.deepEqual(await streamIds(store, STREAM), idsOf(events))
}

async function hideUncommitted({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('any', sampleEvent(ids))])
  const before = await logIds(store)
  const head = await store.head()
  const event = sampleEvent(ids)
  const command = sampleCommand(ids)
  await store.transaction(async (tx) => {
    await tx.append([appendOf('any', event)], { command })
    assert.deepEqual(await logIds(store), before, 'readAll')
    assert.deepEqual(await streamIds(store, STREAM), before, 'readStream')
    assert.deepEqual(idsOf(await store.query({ stream: STREAM }).toArray()), before, 'query')
    assert.equal(await store.findEvent(event.envelope.eventId), undefined, 'findEvent')
    assert.equal(await store.commands.find(command.commandId), undefined, 'commands.find')
    assert.equal(await store.head(), head, 'head')
  })
  assert.deepEqual(await logIds(store), [...before, event.envelope.eventId])
  assert.notEqual(await store.commands.find(command.commandId), undefined)
}

async function failWhole({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('any', sampleEvent(ids))])
  const before = await logIds(store)
  const other = 'Sample.Counter/2'
  await conflict(
    store.transaction(async (tx) => {
      await tx.append([appendOf('any', ...sampleEvents(ids, other, 2))])
      await tx.append([appendOf(9, sampleEvent(ids))])
    }),
    { stream: STREAM, expected: 9, actual: 1 },
  )
  assert.deepEqual(await logIds(store), before, 'what came before the conflict is gone too')
  const swallowed = store.transaction(async (tx) => {
    await tx.append([appendOf('any', ...sampleEvents(ids, other, 2))])
    await rejection(tx.append([appendOf(9, sampleEvent(ids))]), 'a wrong version')
  })
  await rejection(swallowed, 'a transaction of which a statement failed')
  assert.deepEqual(await logIds(store), before, 'also when the work swallows it')
  const goesOn = store.transaction(async (tx) => {
    await rejection(tx.append([appendOf(9, sampleEvent(ids))]), 'a wrong version')
    await tx.append([appendOf('any', ...sampleEvents(ids, other, 2))])
  })
  await rejection(goesOn, 'a transaction that goes on after a failed statement')
  assert.deepEqual(await logIds(store), before)
}

async function refuseNested({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const inner = sampleEvent(ids, { stream: 'Sample.Counter/inner' })
  const calls: [string, () => Promise<unknown>][] = [
    ['append', () => store.append([appendOf('any', inner)])],
    ['transaction', () => store.transaction(async () => undefined)],
    ['commands.record', () => store.commands.record(sampleCommand(ids))],
  ]
  for (const entered of [false, true]) {
    for (const [name, call] of calls) {
      const outer = sampleEvent(ids)
      await store.transaction(async (tx) => {
        if (entered) await tx.append([appendOf('any', outer)])
        const what = `${name}() of the store inside its transaction`
        await refusal(call(), 'TIDINGS_TRANSACTION_NESTED', what)
        await new Promise((resolve) => setImmediate(resolve))
        await refusal(call(), 'TIDINGS_TRANSACTION_NESTED', `${what}, later`)
        if (!entered) await tx.append([appendOf('any', outer)])
      })
      assert.notEqual(
        await store.findEvent(outer.envelope.eventId),
        undefined,
        'the outer one is fine',
      )
    }
  }
  assert.deepEqual(await streamIds(store, 'Sample.Counter/inner'), [])
  // Whatever the transaction started and did not wait for may use the store once it is over.
  const over = Promise.withResolvers<void>()
  let later: Promise<unknown> = Promise.resolve()
  await store.transaction(async () => {
    later = over.promise.then(() => store.append([appendOf('any', inner)]))
  })
  over.resolve()
  await later
  assert.equal((await streamIds(store, 'Sample.Counter/inner')).length, 1)
}

async function refuseEnded({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const kept: StoreTransaction[] = []
  await store.transaction(async (tx) => {
    kept.push(tx)
    await tx.append([appendOf('any', sampleEvent(ids))])
  })
  await rejection(
    store.transaction(async (tx) => {
      kept.push(tx)
      throw new Error('rolled back')
    }),
    'a transaction whose work throws',
  )
  const before = await logIds(store)
  for (const tx of kept) {
    const append = (async () => tx.append([appendOf('any', sampleEvent(ids))]))()
    await refusal(append, 'TIDINGS_TRANSACTION_CLOSED', 'an append to a transaction that has ended')
    const read = (async () => tx.readStream(STREAM).toArray())()
    await refusal(
      read,
      'TIDINGS_TRANSACTION_CLOSED',
      'reading through a transaction that has ended',
    )
  }
  assert.deepEqual(await logIds(store), before)
}

async function abort({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const reason = new Error('no longer wanted')
  const aborted = AbortSignal.abort(reason)
  const event = sampleEvent(ids)
  const append = store.append([appendOf('any', event)], { signal: aborted })
  assert.equal(await rejection(append, 'an append that is aborted before it starts'), reason)
  let started = false
  const before = store.transaction(
    async () => {
      started = true
    },
    { signal: aborted },
  )
  assert.equal(await rejection(before, 'a transaction that is aborted before it starts'), reason)
  assert.equal(started, false)
  const controller = new AbortController()
  const during = store.transaction(
    async (tx) => {
      await tx.append([appendOf('any', event)])
      controller.abort(reason)
    },
    { signal: controller.signal },
  )
  assert.equal(await rejection(during, 'a transaction that is aborted before it commits'), reason)
  assert.deepEqual(await logIds(store), [], 'nothing is stored')
  await abortQueued(store, ids)
  const late = new AbortController()
  await store.append([appendOf('any', event)], { signal: late.signal })
  late.abort(reason)
  assert.deepEqual(await logIds(store), [event.envelope.eventId], 'aborting later changes nothing')
}

/** One that stands behind a transaction when it is aborted. */
async function abortQueued(store: Store, ids: StoreHarness['ids']): Promise<void> {
  const controller = new AbortController()
  const reason = new Error('too late')
  const queued = gate()
  const holding = store.transaction(async (tx) => {
    await tx.append([appendOf('any', sampleEvent(ids, { stream: 'Sample.Counter/held' }))])
    await queued.passed
    controller.abort(reason)
    throw new Error('rolled back')
  })
  await turns()
  const append = store.append([appendOf('any', sampleEvent(ids))], { signal: controller.signal })
  const waiting = rejection(append, 'an append that is aborted while it waits')
  await turns()
  queued.open()
  await rejection(holding, 'the transaction')
  assert.equal(await waiting, reason)
  assert.deepEqual(await logIds(store), [])
}

async function commitRows({ open, ids }: StoreHarness): Promise<void> {
  const store = (await open()) as Store<SqlTransaction>
  const text = "it's; drop table rows; --"
  await store.transaction(async (tx) => {
    assert.deepEqual(await tx.sql`create table sample_rows (id integer primary key, name text)`, [])
  })
  const event = sampleEvent(ids)
  await store.transaction(async (tx) => {
    await tx.sql`insert into sample_rows values (${1}, ${text})`
    await tx.append([appendOf('any', event)])
    const rows = await tx.sql<{ id: number; name: string }>`select id, name from sample_rows`
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [{ id: 1, name: text }],
    )
  })
  await rejection(
    store.transaction(async (tx) => {
      await tx.sql`insert into sample_rows values (${2}, ${null})`
      await tx.append([appendOf(0, sampleEvent(ids))])
    }),
    'a wrong version after an own row',
  )
  await rejection(
    store.transaction(async (tx) => {
      await tx.append([appendOf('any', sampleEvent(ids))])
      await tx.sql`insert into sample_rows values (${1}, ${'a second one'})`
    }),
    'an own row that breaks a constraint, after an event',
  )
  const count = await store.transaction(
    (tx) => tx.sql<{ n: number }>`select count(*) as n from sample_rows`,
  )
  assert.equal(Number(count[0]?.n), 1, 'rows and events go together')
  assert.deepEqual(await logIds(store), [event.envelope.eventId])
}

/** One transaction: all of it, or nothing, and nobody sees it before. */
export const transactionScenarios: readonly Scenario[] = [
  scenario(
    'C01',
    'a rollback leaves nothing, and rejects with the very error of the work',
    rollBack,
  ),
  scenario('C02', 'a transaction reads its own events', readOwn),
  scenario('C03', 'nobody else sees them before the commit', hideUncommitted),
  scenario('C04', 'a transaction of which one statement failed is rolled back whole', failWhole),
  scenario('C05', 'a call to the store inside its own transaction is refused', refuseNested),
  scenario('C06', 'a transaction that has ended is refused', refuseEnded),
  scenario('C07', 'an aborted append or transaction leaves nothing', abort),
  scenario('C08', 'own rows commit and roll back with the events', commitRows, { needs: ['sql'] }),
]
