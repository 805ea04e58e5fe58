import { runScenario, storeScenarios } from '@tidings/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { postgresAdapter } from './kit/adapter.ts'

const adapter = postgresAdapter()

describe('the PostgreSQL store keeps every promise', () => {
  afterAll(() => adapter.drop())

  for (const scenario of storeScenarios) {
    it(`${scenario.id}: ${scenario.title}`, async () => {
      expect(await runScenario(scenario, adapter), 'no promise is left out').toBe(true)
    }, 60_000)
  }
})
