import { runScenario, storeScenarios } from '@tidings/testing'
import { describe, expect, it } from 'vitest'
import { sqliteAdapter } from './store-adapters.ts'

describe('the SQLite store keeps every promise', () => {
  for (const scenario of storeScenarios) {
    it(`${scenario.id}: ${scenario.title}`, async () => {
      expect(await runScenario(scenario, sqliteAdapter), 'no promise is left out').toBe(true)
    }, 60_000)
  }
})
