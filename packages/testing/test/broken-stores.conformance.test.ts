import { AssertionError } from 'node:assert'
import { brokenStores, runScenarios, storeScenarios } from '@tidings/testing'
import { describe, expect, it } from 'vitest'

describe('the suite finds what is broken', () => {
  for (const { fault, caughtBy, adapter } of brokenStores) {
    it(`a store that ${fault}: ${caughtBy.join(', ')}`, async () => {
      const meant = storeScenarios.filter((scenario) => caughtBy.includes(scenario.id))
      const outcomes = await runScenarios(meant, adapter)
      expect([...outcomes.keys()]).toEqual(caughtBy)
      for (const outcome of outcomes.values()) {
        expect(outcome.kind).toBe('failed')
        // By a comparison that does not hold: a broken store that merely crashes proves nothing.
        expect(outcome.kind === 'failed' && outcome.error).toBeInstanceOf(AssertionError)
      }
    })
  }

  it('scenarios have ids of their own', () => {
    const ids = storeScenarios.map((scenario) => scenario.id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
