import { runScenario, runtimeScenarios } from '@tidings/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { postgresAdapter } from './kit/adapter.ts'

const adapter = postgresAdapter()

describe('the runtime keeps every promise on PostgreSQL', () => {
  afterAll(() => adapter.drop())

  for (const scenario of runtimeScenarios) {
    it(`${scenario.id}: ${scenario.title}`, async () => {
      expect(await runScenario(scenario, adapter), 'no promise is left out').toBe(true)
    }, 60_000)
  }
})
