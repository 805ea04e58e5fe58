import { AssertionError } from 'node:assert'
import { brokenStores, runScenarios, storeScenarios, type StoreAdapter } from '@tidings/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { postgresAdapter } from './kit/adapter.ts'
import { watchingHoles, withoutLock } from './kit/broken-order.ts'

const sound = postgresAdapter()
const unlocked = postgresAdapter({}, withoutLock)

async function expectCaught(adapter: StoreAdapter, ids: readonly string[]): Promise<void> {
  const meant = storeScenarios.filter(({ id }) => ids.includes(id))
  const outcomes = await runScenarios(meant, adapter)
  expect([...outcomes.keys()]).toEqual(ids)
  for (const [id, outcome] of outcomes) {
    expect(outcome, id).toMatchObject({
      kind: 'failed',
      error: expect.any(AssertionError) as unknown,
    })
  }
}

const SEEDS = 5

/** Whether a reader meets what commits late is up to the server: one of two scenarios finds it, soon. */
async function expectSkips(adapter: StoreAdapter): Promise<void> {
  const meant = storeScenarios.filter(({ id }) => id === 'C11' || id === 'C19')
  const said: string[] = []
  for (let seed = 1; seed <= SEEDS && !said.some((text) => text.includes(SKIPPED)); seed++) {
    for (const outcome of (await runScenarios(meant, adapter, { seed })).values()) {
      said.push(outcome.kind === 'failed' ? String(outcome.error) : outcome.kind)
    }
  }
  expect(said).toContainEqual(expect.stringContaining(SKIPPED))
}

const SKIPPED = 'a consumer sees every event of the log once'

describe('the suite finds an order on PostgreSQL that is none', () => {
  afterAll(() => unlocked.drop())

  it('of a store that trusts the sequence alone: C11 or C19', () => expectSkips(unlocked))

  it('of a reader that waits at a gap for a while, and reads past it: C11 or C19', () =>
    expectSkips(watchingHoles(unlocked, 2)))

  it('of a reader that takes every gap for a late committer: C13', () =>
    expectCaught(watchingHoles(sound, Number.POSITIVE_INFINITY), ['C13']))
}, 100_000)

/** A server tells nobody of its commits, so there is nothing to hide. */
const NOT_HERE: ReadonlySet<string> = new Set(['C20'])

describe('the suite finds on PostgreSQL too what is broken', () => {
  afterAll(() => sound.drop())

  for (const { fault, caughtBy, over } of brokenStores) {
    const ids = caughtBy.filter((id) => !NOT_HERE.has(id))
    if (over === undefined || ids.length === 0) continue
    it(`a store that ${fault}: ${ids.join(', ')}`, () => expectCaught(over(sound), ids))
  }
}, 100_000)
