import assert from 'node:assert/strict'
import { refusal, rejection, scenario } from './expectations.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

async function seeOnce({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const see = (consumer: string, id: string): Promise<boolean> =>
    store.transaction((tx) => tx.once(consumer, id))
  assert.equal(await see('mail', 'm1'), true, 'the first time')
  assert.equal(await see('mail', 'm1'), false, 'the second time')
  assert.equal(await see('mail', 'M1'), true, 'another id')
  assert.equal(await see('push', 'm1'), true, 'another consumer')
  const inOne = await store.transaction(async (tx) => [
    await tx.once('mail', 'm2'),
    await tx.once('mail', 'm2'),
    await tx.once('push', 'm2'),
    await tx.once('mail', 'm1'),
  ])
  assert.deepEqual(inOne, [true, false, true, false], 'also twice in one transaction')
}

async function forgetRollback({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const reason = new Error('the handler failed')
  const failing = store.transaction(async (tx) => {
    assert.equal(await tx.once('mail', 'm1'), true)
    throw reason
  })
  assert.equal(await rejection(failing, 'a transaction whose work throws'), reason)
  assert.equal(await store.transaction((tx) => tx.once('mail', 'm1')), true, 'it was never seen')
}

async function contest({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => store.transaction((tx) => tx.once('mail', 'm1'))),
  )
  assert.equal(answers.filter(Boolean).length, 1, 'one of many at once is the first')
}

async function sweepSeen({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const see = (consumer: string, id: string): Promise<boolean> =>
    store.transaction((tx) => tx.once(consumer, id))
  const now = (): string => new Date(clock.now()).toISOString()
  await see('mail', 'old1')
  await see('mail', 'old2')
  await see('push', 'old1')
  clock.shift(3_600_000)
  const between = now()
  clock.shift(3_600_000)
  await see('mail', 'new')
  assert.equal(await store.inbox.sweep('nobody', now()), 0)
  assert.equal(await store.inbox.sweep('mail', between), 2)
  assert.equal(await store.inbox.sweep('mail', between), 0)
  assert.equal(await see('mail', 'new'), false, 'seen since then: kept')
  assert.equal(await see('push', 'old1'), false, 'of another consumer: kept')
  assert.equal(await see('mail', 'old1'), true, 'forgotten')
  await refusal(store.inbox.sweep('mail', 'yesterday'), 'TIDINGS_ARGUMENT_INVALID', 'no time')
}

async function sweepSome({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  assert.deepEqual(await store.inbox.consumers(), [], 'nobody has seen anything')
  await store.transaction(async (tx) => {
    for (const consumer of ['push', 'mail', 'Mail', '邮件']) {
      for (const id of ['m1', 'm2', 'm3']) await tx.once(consumer, id)
    }
  })
  assert.deepEqual(await store.inbox.consumers(), ['Mail', 'mail', 'push', '邮件'])
  clock.shift(3_600_000)
  const now = new Date(clock.now()).toISOString()
  for (const count of [2, 1, 0]) assert.equal(await store.inbox.sweep('mail', now, 2), count)
  assert.deepEqual(await store.inbox.consumers(), ['Mail', 'push', '邮件'])
  const all = store.inbox.sweep('mail', now, -1)
  await refusal(all, 'TIDINGS_ARGUMENT_INVALID', 'a limit that is none')
}

async function reopen({ open }: StoreHarness): Promise<void> {
  const first = await open()
  const other = await open()
  assert.equal(await first.transaction((tx) => tx.once('mail', 'm1')), true)
  assert.equal(await other.transaction((tx) => tx.once('mail', 'm1')), false, 'seen by the other')
  await first.close()
  await other.close()
  const second = await open()
  assert.equal(await second.transaction((tx) => tx.once('mail', 'm1')), false, 'and later')
}

/** Messages from elsewhere: an effect for each of them, once. */
export const inboxScenarios: readonly Scenario[] = [
  scenario('D20', 'a message is new once for each consumer, also within a transaction', seeOnce),
  scenario('D21', 'what a rollback saw was not seen', forgetRollback),
  scenario('D22', 'of many who see a message at once, one is the first', contest),
  scenario('D23', 'what was seen before a time is forgotten, and nothing else', sweepSeen),
  scenario(
    'D25',
    'those who have seen something are listed, and forget a part at a time',
    sweepSome,
  ),
  scenario(
    'D24',
    'what one instance saw, another one knows, and one that is opened later',
    reopen,
    {
      needs: ['shared'],
    },
  ),
]
