import { expect, test } from 'vitest'
import { createRegistry } from '../../src/contract/registry.ts'
import { systemClock } from '../../src/internal/clock.ts'
import { newId, systemIds } from '../../src/internal/ids.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { UnitOfWork } from '../../src/work/unit-of-work.ts'
import { Counter, CounterUpdated } from '../support/counter.ts'
import { withOverrides } from '../support/stores.ts'

test('what comes while the unit is being appended is refused, not lost', async () => {
  await using store = memoryStore()
  const gate = Promise.withResolvers<void>()
  const environment = {
    clock: systemClock,
    ids: systemIds,
    source: undefined,
    maxEventBytes: undefined,
  }
  const cause = { correlationId: newId(), causationId: undefined, metadata: undefined }
  const registry = createRegistry([], { aggregates: [Counter] })
  const append = {
    aggregateType: 'Test.Counter',
    aggregateId: 'a',
    events: CounterUpdated({ counterId: 'a', by: 1 }),
  }
  const late = { code: 'TIDINGS_TRANSACTION_CLOSED' }
  await store.transaction(async (tx) => {
    const slow = withOverrides(tx, {
      append: async (...args) => {
        await gate.promise
        return tx.append(...args)
      },
    })
    const { snapshots, retention } = store
    const unit = new UnitOfWork(slow, cause, { environment, registry, snapshots, retention })
    const root = await unit.load(Counter, 'b')
    await unit.append(append)
    const flushed = unit.flush()
    await expect(unit.append(append)).rejects.toMatchObject(late)
    await expect(unit.load(Counter, 'c')).rejects.toMatchObject(late)
    expect(() => root.record(CounterUpdated({ counterId: 'b', by: 1 }))).toThrow(
      expect.objectContaining(late) as Error,
    )
    gate.resolve()
    expect(await flushed).toHaveLength(1)
  })
  expect(await store.head()).toBe(1)
})
