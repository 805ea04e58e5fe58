import { expect, test } from 'vitest'

import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { OperationRecord } from '../../src/store/operation-store.ts'
import type { Claim, Fence } from '../../src/store/subscription-store.ts'

const claim: Claim = { name: 'mail', token: 1, owner: 'a', startAt: 0 }
const fence: Fence = { subscription: 'mail', generation: 1, token: 1 }
const positions = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 2)

test('a transaction goes on from its own mark, and nobody sees it before it commits', async () => {
  await using store = memoryStore()
  await store.subscriptions.claim(claim)
  await store.transaction(async (tx) => {
    await tx.progress({ ...fence, mark: { from: 0, to: 3 } })
    await tx.progress({ ...fence, mark: { from: 3, to: 5 }, ahead: [7] })
    expect((await store.subscriptions.find('mail'))?.position).toBe(0)
  })
  expect((await store.subscriptions.find('mail'))?.position).toBe(5)
  expect((await store.subscriptions.claim({ ...claim, token: 2 })).ahead).toEqual([7])
})

test.each([1, 3, 9000])(
  'what ran ahead is forgotten up to the mark, in steps of %i',
  async (step) => {
    await using store = memoryStore()
    await store.subscriptions.claim(claim)
    await store.transaction((tx) => tx.progress({ ...fence, ahead: positions(9000) }))
    let from = 0
    while (from < 8990) {
      const mark = { from, to: from + step }
      await store.transaction((tx) => tx.progress({ ...fence, mark }))
      from = mark.to
    }
    const { ahead } = await store.subscriptions.claim({ ...claim, token: 2 })
    expect(ahead).toEqual(positions(9000).filter((position) => position > from))
  },
)

test('what a caller changes later in what it handed over changes nothing in the store', async () => {
  await using store = memoryStore()
  const request = { filter: { key: 'k1' } }
  const operation: OperationRecord = {
    operationId: '019c0000-0000-7000-8000-000000000001',
    kind: 'redrive',
    subscription: 'mail',
    request,
    requestedBy: 'ann',
    reason: 'mended',
    requestedAt: '2026-11-21T09:00:00.000Z',
    state: 'requested',
    startedAt: undefined,
    finishedAt: undefined,
    progress: {},
    result: undefined,
    error: undefined,
    cancelledBy: undefined,
    cancelReason: undefined,
  }
  await store.operations.request(operation)
  request.filter.key = 'k2'
  const stored = await store.operations.find(operation.operationId)
  expect(stored?.request).toEqual({ filter: { key: 'k1' } })
  expect(Object.isFrozen(stored?.request['filter'])).toBe(true)
})
