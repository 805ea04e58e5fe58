import { AssertionError } from 'node:assert'
import { brokenRuntimes, runScenarios, runtimeScenarios, storeScenarios } from '@tidings/testing'
import { describe, expect, it } from 'vitest'

describe('the suite finds what is broken of a runtime', () => {
  for (const { fault, caughtBy, adapter, patch } of brokenRuntimes) {
    it(`one that ${fault}: ${caughtBy.join(', ')}`, async () => {
      const meant = runtimeScenarios.filter((scenario) => caughtBy.includes(scenario.id))
      const outcomes = await runScenarios(meant, adapter, { patch })
      expect([...outcomes.keys()].toSorted()).toEqual(caughtBy.toSorted())
      for (const [id, outcome] of outcomes) {
        expect(outcome.kind, id).toBe('failed')
        // By a comparison that does not hold: a broken runtime that merely crashes proves nothing.
        expect(outcome.kind === 'failed' && outcome.error, id).toBeInstanceOf(AssertionError)
      }
    })
  }

  it('scenarios have ids of their own, also beside those of the store', () => {
    const ids = [...storeScenarios, ...runtimeScenarios].map((scenario) => scenario.id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
