import { describe, expect, onTestFinished, test } from 'vitest'
import { newId } from '../../src/internal/ids.ts'
import { createAdmin, type Admin } from '../../src/delivery/admin.ts'
import type { OperationStatus } from '../../src/delivery/follow-operation.ts'
import { MOST_REDRIVES } from '../../src/delivery/move-parked.ts'
import type { ParkedEvent } from '../../src/store/parked-store.ts'
import type { Store } from '../../src/store/store.ts'
import { startMail, type MailApp } from '../support/failing-mail.ts'
import { manualClock } from '../support/fake-clock.ts'
import { stores } from '../support/stores.ts'

const ask = { subscription: 'mail', by: 'ann', reason: 'mended' } as const

describe.each(stores)('on $kind', ({ open }) => {
  /** ann has three mails, of which none arrives; ben has two, which arrive. */
  async function prepare(): Promise<MailApp & { readonly store: Store; readonly admin: Admin }> {
    const store = await open()
    const mail = await startMail(store)
    mail.unreachable.add('ann')
    await mail.ask('ann', 'ben', 'ann', 'ben', 'ann')
    return { ...mail, store, admin: mail.app.admin }
  }

  const lettersOf = (admin: Admin): Promise<readonly ParkedEvent[]> =>
    admin.parked.list({ subscription: 'mail' })

  test('a subscription shows where it is, who owns it, and what is parked', async () => {
    const { app, admin, store } = await prepare()
    expect(await admin.subscriptions()).toMatchObject([
      {
        name: 'mail',
        generation: 1,
        position: 5,
        state: 'live',
        isPaused: false,
        lagEvents: 0,
        lagMs: 0,
        ahead: 0,
        parked: 3,
        deadLetters: 1,
      },
    ])
    const { owner, leaseUntil, lastOwner } = await admin.subscription('mail')
    expect(owner).toBe((await store.leases.find('mail'))?.owner)
    expect(lastOwner).toBe(owner)
    expect(Date.parse(leaseUntil ?? '')).toBeGreaterThan(Date.now())
    const later = createAdmin(store, { clock: manualClock(Date.now() + 3_600_000) })
    expect((await later.subscription('mail')).owner, 'its lease has run out').toBeUndefined()
    const dead = createAdmin(store, { isDead: (who) => who === owner })
    expect((await dead.subscription('mail')).owner, 'its process is dead').toBeUndefined()
    await app.delivery.caughtUp()
  })

  test('it lags by the events that nobody has handled, and by the age of the first of them', async () => {
    const store = await open()
    const { ask: request } = await startMail(store, { run: false })
    const lease = await store.leases.acquire('mail', 'somebody', 60_000)
    await store.subscriptions.claim({
      name: 'mail',
      token: lease?.token ?? 0,
      owner: 'somebody',
      startAt: 0,
    })
    await request('ann', 'ben', 'eva', 'ida')
    const fence = { subscription: 'mail', generation: 1, token: 1 }
    await store.transaction((tx) => tx.progress({ ...fence, mark: { from: 0, to: 1 }, ahead: [3] }))
    const [second] = await store.readAll({ after: 1, limit: 1 }).toArray()
    const nowMs = Date.parse(second?.recordedAt ?? '') + 90_000
    const admin = createAdmin(store, { clock: manualClock(nowMs) })
    const { position, ahead, lagEvents, lagMs } = await admin.subscription('mail')
    expect({ position, ahead, lagEvents, lagMs }).toEqual({
      position: 1,
      ahead: 1,
      lagEvents: 2,
      lagMs: 90_000,
    })
  })

  test('a redrive is stored, carried out, and says what became of each', async () => {
    const { admin, sent, unreachable } = await prepare()
    unreachable.clear()
    const operation = await admin.request({ kind: 'redrive', ...ask })
    expect(operation).toMatchObject({
      kind: 'redrive',
      requestedBy: 'ann',
      reason: 'mended',
      request: { filter: {}, matched: 3 },
    })
    const told: OperationStatus[] = []
    for await (const status of admin.follow(operation.operationId, { everyMs: 1 }))
      told.push(status)
    expect(told.at(-1)).toMatchObject({ total: 3, done: 3, hasEnded: true })
    expect(told.at(-1)?.operation).toMatchObject({
      state: 'done',
      result: { moved: 3, resolved: 3, refused: 0, parkedAgain: 0 },
    })
    expect(sent).toEqual(['ben:2', 'ben:4', 'ann:1', 'ann:3', 'ann:5'])
    const [letter] = await lettersOf(admin)
    expect(letter?.history.map(({ what, by }) => `${what} by ${by}`)).toEqual([
      'parked by runtime',
      'redriven by ann',
      'resolved by runtime',
    ])
  })

  test('a plan says what a redrive would do, and does none of it', async () => {
    const { admin } = await prepare()
    const letters = await lettersOf(admin)
    const [first, second, third] = letters.map(({ parkedId }) => parkedId) as [
      string,
      string,
      string,
    ]
    const verdicts = async (ids?: readonly string[]): Promise<unknown> =>
      (await admin.planRedrive({ subscription: 'mail', filter: { ids } })).events.map(
        ({ parkedId, verdict, behind }) => [parkedId, verdict, behind],
      )
    expect(await verdicts()).toEqual([
      [first, 'runs', undefined],
      [second, 'runs-after', first],
      [third, 'runs-after', second],
    ])
    expect(await verdicts([second, third])).toEqual([
      [second, 'waits', first],
      [third, 'waits', first],
    ])
    expect(await lettersOf(admin)).toEqual(letters)
    expect(await admin.operations.list()).toEqual([])
  })

  test('what waits behind a letter that is not redriven stays parked, as the plan says', async () => {
    const { admin, sent, unreachable } = await prepare()
    const [, second] = await lettersOf(admin)
    unreachable.clear()
    const filter = { ids: [second?.parkedId ?? ''] }
    const { operationId } = await admin.request({ kind: 'redrive', ...ask, filter })
    const { operation } = await admin.ended(operationId, { everyMs: 1 })
    expect(operation.result).toMatchObject({ moved: 1, resolved: 0, parkedAgain: 1 })
    expect(sent).toEqual(['ben:2', 'ben:4'])
  })

  test('what failed too often is refused, in the plan and in fact, unless it is forced', async () => {
    const { admin, unreachable, sent } = await prepare()
    const [head] = await lettersOf(admin)
    const filter = { ids: [head?.parkedId ?? ''] }
    const redrive = async (force: boolean): Promise<unknown> => {
      const { operationId } = await admin.request({ kind: 'redrive', ...ask, filter, force })
      return (await admin.ended(operationId, { everyMs: 1 })).operation.result
    }
    for (let time = 0; time < MOST_REDRIVES; time++) {
      expect(await redrive(false)).toMatchObject({ moved: 3, followers: 2, parkedAgain: 3 })
    }
    unreachable.clear()
    const { counts } = await admin.planRedrive({ subscription: 'mail' })
    expect(counts).toMatchObject({ runs: 0, refused: 1, waits: 2 })
    expect(await redrive(false)).toMatchObject({ moved: 0, refused: 1 })
    const forced = await admin.planRedrive({ subscription: 'mail', filter, force: true })
    expect(forced.counts).toMatchObject({ runs: 1, follows: 2 })
    expect(await redrive(true)).toMatchObject({ moved: 3, followers: 2, resolved: 3 })
    expect(sent).toContain('ann:1')
  })

  test('an edited payload is checked, handled in the place of the original, and the original is kept', async () => {
    const { admin, sent } = await prepare()
    const [letter] = await lettersOf(admin)
    const id = letter?.parkedId ?? ''
    const edits = { [id.toUpperCase()]: { to: 'anna', lines: 9 } }
    const { operationId } = await admin.request({
      kind: 'redrive',
      ...ask,
      edits,
      filter: { ids: [id] },
    })
    await admin.ended(operationId, { everyMs: 1 })
    expect(sent).toContain('anna:9')
    const after = await admin.parked.find(id)
    expect(after).toMatchObject({ state: 'resolved', edited: '{"to":"anna","lines":9}' })
    expect(after?.bytes).toEqual(letter?.bytes)
    expect(after?.history.map(({ what }) => what)).toEqual([
      'parked',
      'edited',
      'redriven',
      'resolved',
    ])
  })

  test('a plan refuses an edit that the redrive would refuse', async () => {
    const store = await open()
    const { app, ask, unreachable } = await startMail(store)
    unreachable.add('ann')
    await ask('ann')
    const { admin } = app
    const [letter] = await admin.parked.list({})
    const id = letter!.parkedId
    const plan = (edits: Readonly<Record<string, unknown>>) =>
      admin.planRedrive({ subscription: 'mail', edits })
    await expect(plan({ [id]: { to: 'anna' } })).rejects.toMatchObject({
      code: 'TIDINGS_PAYLOAD_INVALID',
    })
    await expect(plan({ [letter!.eventId]: { to: 'anna', lines: 1 } })).rejects.toThrow(
      /is none of them/,
    )
    expect((await plan({ [id]: { to: 'anna', lines: 1 } })).counts.runs).toBe(1)
    expect((await admin.parked.find(id))?.edited, 'nothing is done').toBeUndefined()
  })

  test('a discard needs a reason, and sets aside for good', async () => {
    const { admin } = await prepare()
    const { operationId } = await admin.request({ kind: 'discard', ...ask, reason: 'spam' })
    expect((await admin.ended(operationId, { everyMs: 1 })).operation.result).toEqual({
      discarded: 3,
    })
    expect(await admin.subscription('mail')).toMatchObject({ parked: 0, deadLetters: 0 })
    const plan = await admin.planRedrive({ subscription: 'mail', filter: { key: 'ann' } })
    expect(plan.events, 'what is finished is no news').toEqual([])
    const ids = (await lettersOf(admin)).map(({ parkedId }) => parkedId)
    const named = await admin.planRedrive({ subscription: 'mail', filter: { ids } })
    expect(named.counts).toMatchObject({ finished: 3 })
  })

  test('a pause holds it until it is resumed', async () => {
    const { admin, app, sent, ask: request } = await prepare()
    const end = async (kind: 'pause' | 'resume'): Promise<void> => {
      const { operationId } = await admin.request({ kind, ...ask })
      await admin.ended(operationId, { everyMs: 1 })
    }
    await end('pause')
    expect(await admin.subscription('mail')).toMatchObject({ isPaused: true, state: 'paused' })
    sent.length = 0
    const asked = request('ben')
    await end('resume')
    await asked
    await app.delivery.caughtUp()
    expect(sent).toEqual(['ben:6'])
    expect(await admin.subscription('mail')).toMatchObject({ isPaused: false })
  })

  test('a reset begins the next generation at a place or a time', async () => {
    const { admin, app, sent, unreachable, store } = await prepare()
    unreachable.clear()
    sent.length = 0
    const reset = async (to: 'beginning' | 'end' | number | { time: string }): Promise<unknown> => {
      const { operationId } = await admin.request({ kind: 'reset', ...ask, to })
      const { operation } = await admin.ended(operationId, { everyMs: 1 })
      await app.delivery.caughtUp()
      return [operation.request['position'], operation.result]
    }
    expect(await reset('beginning')).toEqual([0, { generation: 2 }])
    expect(sent).toEqual(['ann:1', 'ben:2', 'ann:3', 'ben:4', 'ann:5'])
    expect(await reset(3)).toEqual([3, { generation: 3 }])
    expect(sent.slice(5)).toEqual(['ben:4', 'ann:5'])
    const [last] = await store.readAll({ after: 4 }).toArray()
    expect(await reset({ time: '2001-01-01T00:00:00Z' })).toEqual([0, { generation: 4 }])
    expect(
      await reset({ time: new Date(Date.parse(last?.recordedAt ?? '') + 1).toISOString() }),
    ).toEqual([5, { generation: 5 }])
    expect(await reset('end')).toEqual([5, { generation: 6 }])
    const ids = (await lettersOf(admin)).map(({ parkedId }) => parkedId)
    const plan = await admin.planRedrive({ subscription: 'mail', filter: { ids } })
    expect(plan.counts).toMatchObject({ earlier: 3 })
  })

  test('the same id again is the same operation, whatever has become of it', async () => {
    const { admin, unreachable } = await prepare()
    unreachable.clear()
    const request = { kind: 'redrive', ...ask, operationId: newId(), rate: 1000 } as const
    const first = await admin.request(request)
    await admin.ended(first.operationId, { everyMs: 1 })
    expect(await admin.request(request)).toMatchObject({
      operationId: first.operationId,
      state: 'done',
    })
    expect(await admin.operations.list()).toHaveLength(1)
    for (const other of [
      { ...request, rate: 5 },
      { ...request, filter: { key: 'ben' } },
      { kind: 'pause', ...ask, operationId: request.operationId } as const,
    ]) {
      await expect(admin.request(other)).rejects.toMatchObject({
        code: 'TIDINGS_OPERATION_ID_CONFLICT',
        operationId: request.operationId,
      })
    }
  })

  test('an operation that nobody carries out waits, and can be cancelled', async () => {
    const store = await open()
    const mail = await startMail(store)
    await mail.ask('ann')
    await mail.app.delivery.caughtUp()
    const paused = createAdmin(store)
    const { operationId } = await paused.request({ kind: 'pause', ...ask, subscription: 'mail' })
    await mail.app.admin.ended(operationId, { everyMs: 1 })
    const done = await paused.cancel(operationId, { by: 'ben' })
    expect(done, 'one that has ended stays as it is').toMatchObject({
      state: 'done',
      cancelledBy: undefined,
    })
    await expect(paused.cancel(newId(), { by: 'ben' })).rejects.toMatchObject({
      code: 'TIDINGS_OPERATION_UNKNOWN',
    })
    await expect(paused.ended(newId())).rejects.toMatchObject({ code: 'TIDINGS_OPERATION_UNKNOWN' })
  })

  test('whoever waits can be told to stop', async () => {
    const store = await open()
    await store.subscriptions.claim({ name: 'mail', token: 1, owner: 'nobody', startAt: 0 })
    const admin = createAdmin(store, { clock: manualClock() })
    const { operationId } = await admin.request({ kind: 'pause', ...ask })
    const controller = new AbortController()
    const waiting = admin.ended(operationId, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const cancelled = await admin.cancel(operationId, { by: 'ben', reason: 'no' })
    expect(cancelled).toMatchObject({ state: 'cancelled', cancelledBy: 'ben', cancelReason: 'no' })
    expect((await admin.ended(operationId)).hasEnded).toBe(true)
  })

  test('two who redrive the same letter: it is handled once, and the second is told', async () => {
    const { admin, store, sent, unreachable } = await prepare()
    unreachable.clear()
    const other = createAdmin(store)
    const both = await Promise.allSettled(
      [admin, other].map((one) => one.request({ kind: 'redrive', ...ask })),
    )
    const stored = both.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
    const results = await Promise.all(
      stored.map(({ operationId }) => admin.ended(operationId, { everyMs: 1 })),
    )
    const moved = results.map(({ operation }) => operation.result?.['moved'] as number)
    expect(moved.reduce((sum, count) => sum + count, 0)).toBe(3)
    expect(sent.filter((one) => one.startsWith('ann'))).toEqual(['ann:1', 'ann:3', 'ann:5'])
    await expect(other.request({ kind: 'redrive', ...ask })).rejects.toMatchObject({
      code: 'TIDINGS_NOTHING_PARKED',
      facts: { redriving: 0, finished: 3, earlier: 0 },
    })
  })
})

test('an application that does not run its subscriptions has the same view of them', async () => {
  const store = await stores[0]!.open()
  const { app } = await startMail(store, { run: false })
  onTestFinished(() => app.close())
  expect(await app.admin.subscriptions()).toEqual([])
  await expect(app.admin.subscription('mail')).rejects.toThrow('start the application')
})
