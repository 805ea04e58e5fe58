import { runScenario, runtimeScenarios } from '@tidings/testing'
import { describe, expect, it } from 'vitest'
import { memoryAdapter, sqliteAdapter } from './store-adapters.ts'

describe.each([memoryAdapter, sqliteAdapter])(
  'the runtime keeps every promise on $name',
  (adapter) => {
    for (const scenario of runtimeScenarios) {
      it(`${scenario.id}: ${scenario.title}`, async () => {
        expect(await runScenario(scenario, adapter), 'no promise is left out').toBe(true)
      })
    }
  },
)
