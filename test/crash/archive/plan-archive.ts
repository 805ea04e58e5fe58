import { seededRandom } from '@tidings/testing'

/** The steps of an archive, and the moment of a parent's own choice. */
export const archiveSteps = ['opened', 'written', 'synced', 'named', 'removed', 'moment'] as const

export type ArchiveStepName = (typeof archiveSteps)[number]

/** Where an archiver is killed: at the so manieth time of a step, or so many milliseconds after it began. */
export interface ArchiveKill {
  readonly step: ArchiveStepName
  readonly hit: number
}

/** Those that every run has: each step, and such as come late in the work. */
export const fixedKills: readonly ArchiveKill[] = [
  { step: 'opened', hit: 1 },
  { step: 'written', hit: 1 },
  { step: 'synced', hit: 1 },
  { step: 'named', hit: 1 },
  { step: 'removed', hit: 1 },
  { step: 'removed', hit: 7 },
  { step: 'named', hit: 1 },
  { step: 'moment', hit: 20 },
]

const KILLS = 8

/** Archive n of a run: as many kills, at steps and moments in turn. */
export function planArchive(runSeed: number, number: number): readonly ArchiveKill[] {
  const random = seededRandom(runSeed * 100_003 + number)
  return Array.from({ length: KILLS }, (_, index): ArchiveKill => {
    const step = archiveSteps[(number + index) % archiveSteps.length] as ArchiveStepName
    if (step === 'moment') return { step, hit: random.below(120) }
    return { step, hit: step === 'removed' ? 1 + random.below(4) : 1 }
  })
}
