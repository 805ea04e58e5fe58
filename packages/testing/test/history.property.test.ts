import {
  checkHistory,
  idsOfHistory,
  LogModel,
  runScenario,
  seededIds,
  type HistoryStep,
  type ModelAppend,
  type Scenario,
  type StoreAdapter,
} from '@tidings/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryAdapter, sqliteAdapter } from './store-adapters.ts'

const append: fc.Arbitrary<ModelAppend> = fc.record({
  stream: fc.constantFrom('Sample.Counter/1', 'Sample.Counter/2', 'Sample.Counter/3'),
  expectedVersion: fc.oneof(
    fc.constantFrom('any' as const, 'no-stream' as const, 'stream-exists' as const),
    fc.nat(5),
  ),
  // Few names, so that the same id comes again, elsewhere, in part and in another order.
  ids: fc.array(
    fc.nat(11).map((n) => `e${n}`),
    { maxLength: 3 },
  ),
})

const history: fc.Arbitrary<HistoryStep[]> = fc.array(
  fc.record({
    appends: fc.array(append, { maxLength: 3 }),
    by: fc.constantFrom(
      'append' as const,
      'append' as const,
      'transaction' as const,
      'rollback' as const,
    ),
  }),
  { maxLength: 25 },
)

async function checkOn(adapter: StoreAdapter, steps: readonly HistoryStep[]): Promise<void> {
  const scenario: Scenario = {
    id: 'property',
    group: 'B',
    title: 'a history that fast-check made up',
    needs: [],
    run: async (harness) => checkHistory(await harness.open(), steps, idsOfHistory(harness, steps)),
  }
  await runScenario(scenario, adapter)
}

describe('any history has the answers and the contents of the model', () => {
  it('in memory', () =>
    fc.assert(
      fc.asyncProperty(history, (steps) => checkOn(memoryAdapter, steps)),
      { numRuns: 300 },
    ))

  it(
    'on SQLite',
    () =>
      fc.assert(
        fc.asyncProperty(history, (steps) => checkOn(sqliteAdapter, steps)),
        { numRuns: 40 },
      ),
    60_000,
  )

  it('histories meet every answer there is, so the comparison is not about nothing', () => {
    const answers = new Set<string>()
    for (const steps of fc.sample(history, { numRuns: 300, seed: 1 })) {
      const model = new LogModel()
      for (const step of steps) {
        const answer = model.append(step.appends)
        answers.add(answer.kind === 'refused' ? answer.code : answer.kind)
      }
    }
    expect([...answers].toSorted()).toEqual([
      'TIDINGS_ARGUMENT_INVALID',
      'TIDINGS_CONCURRENCY_CONFLICT',
      'TIDINGS_EVENT_ID_CONFLICT',
      'repeated',
      'stored',
    ])
    expect(idsOfHistory({ ids: seededIds(1) }, []).size).toBe(0)
  })
})
