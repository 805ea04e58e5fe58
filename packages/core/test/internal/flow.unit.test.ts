import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import {
  currentFrame,
  isInTransactionOf,
  markTransaction,
  runInFrame,
  runInTransaction,
} from '../../src/internal/flow.ts'

class FrameOfGetters {
  get correlationId(): string {
    return 'correlation'
  }

  get eventId(): string {
    return 'event'
  }
}

describe('a transaction', () => {
  test('is in the same message as what began it, whatever kind of object its frame is', () => {
    const mark = markTransaction({})
    const seen = runInFrame(new FrameOfGetters(), () => runInTransaction(mark, currentFrame))
    expect(seen).toMatchObject({
      correlationId: 'correlation',
      eventId: 'event',
      transaction: mark,
    })
  })

  test('within one of another store hides neither from a call that would wait for itself', async () => {
    await using outer = memoryStore()
    await using inner = memoryStore()
    const nested = outer.transaction(() =>
      inner.transaction(() => outer.transaction(() => Promise.resolve())),
    )
    await expect(nested).rejects.toMatchObject({ code: 'TIDINGS_TRANSACTION_NESTED' })
  })

  test('that has ended holds up nothing that it left behind', () => {
    const store = {}
    const mark = markTransaction(store)
    const later = runInTransaction(mark, () => {
      expect(isInTransactionOf(store)).toBe(true)
      return () => isInTransactionOf(store)
    })
    mark.open = false
    expect(runInTransaction(mark, later)).toBe(false)
  })
})
