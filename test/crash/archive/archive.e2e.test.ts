import { expect, it } from 'vitest'
import { archiveUnderKills } from './archive-run.ts'
import { fixedKills } from './plan-archive.ts'

it.each(['sqlite', 'postgres'] as const)(
  'an archive on %s that is killed at any step loses nothing, and has nothing twice',
  async (kind) => {
    const { events, killed } = await archiveUnderKills(kind, fixedKills)
    process.stdout.write(`archived ${events} events on ${kind} over ${killed} kills, each once\n`)
    // At a moment it may have been too quick.
    expect(killed).toBeGreaterThanOrEqual(fixedKills.length - 1)
  },
)
