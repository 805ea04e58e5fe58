import { runScenario, storeScenarios } from '@tidings/testing'
import { describe, expect, it } from 'vitest'
import { memoryAdapter } from './store-adapters.ts'

/** A log in memory is gone with its store: these cannot be told of it. */
const impossible = [
  'B26',
  'B52',
  'B53',
  'B54',
  'B55',
  'B57',
  'B91',
  'B92',
  'C08',
  'C19',
  'C21',
  'D24',
  'D35',
  'D36',
  'H05',
  'H07',
  'H08',
  'H09',
  'H25',
  'T05',
]

describe('the memory store keeps every promise', () => {
  for (const scenario of storeScenarios) {
    it(`${scenario.id}: ${scenario.title}`, async () => {
      const told = await runScenario(scenario, memoryAdapter)
      expect(told).toBe(!impossible.includes(scenario.id))
    })
  }
})
