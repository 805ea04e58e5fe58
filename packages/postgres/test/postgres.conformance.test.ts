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

/** As through PgBouncer in transaction mode: no names of statements, no LISTEN. */
const plain = postgresAdapter({ prepare: false, listen: false })
/** What has to do with connections: several instances, transactions, waiting. */
const meant = storeScenarios.filter(({ id, group }) => group === 'C' || id.startsWith('B5'))

describe('and without prepared statements and LISTEN', () => {
  afterAll(() => plain.drop())

  for (const scenario of meant) {
    it(`${scenario.id}: ${scenario.title}`, async () => {
      expect(await runScenario(scenario, plain), 'no promise is left out').toBe(true)
    }, 60_000)
  }
})
