import type { LifeReport } from './check-life.ts'
import { live } from './live.ts'
import { planLife, pointsOn, type Life, type StoreKind } from './plan-life.ts'
import { describeKill } from './run-process.ts'

export interface LifeTotals extends LifeReport {
  readonly lives: number
  /** At each point, and at moments of the parent's choice. */
  readonly kills: ReadonlyMap<string, number>
}

export interface LivesOptions {
  readonly seed: number
  readonly on: StoreKind
  /** Numbers of the lives, from 1. */
  readonly lives: readonly number[]
  /** Lives at the same time. */
  readonly abreast?: number
  readonly onLife?: (life: Life, report: LifeReport) => void
}

/** @throws {Error} for the first life that fails, with what it takes to live it again */
export async function liveAll({
  seed,
  on,
  lives,
  abreast = 1,
  onLife,
}: LivesOptions): Promise<LifeTotals> {
  const kills = new Map<string, number>([...pointsOn(on), 'moment'].map((point) => [point, 0]))
  const sums: Record<keyof LifeReport, number> = {
    events: 0,
    effects: 0,
    byNeighbours: 0,
    published: 0,
    repeated: 0,
    letters: 0,
    discarded: 0,
    redrives: 0,
    timers: 0,
    tasks: 0,
  }
  const left = [...lives]
  const work = async (): Promise<void> => {
    for (let number = left.shift(); number !== undefined; number = left.shift()) {
      const life = planLife(seed, number, on)
      const report = await liveOne(seed, life)
      for (const kill of life.kills) {
        const where = kill.kind === 'point' ? kill.point : 'moment'
        kills.set(where, (kills.get(where) ?? 0) + 1)
      }
      for (const key of Object.keys(sums) as (keyof LifeReport)[]) sums[key] += report[key]
      onLife?.(life, report)
    }
  }
  await Promise.all(Array.from({ length: abreast }, work))
  return { lives: lives.length, kills, ...sums }
}

async function liveOne(seed: number, life: Life): Promise<LifeReport> {
  try {
    return await live(life)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `Life ${life.number} failed: ${message}\nKilled at: ${life.kills.map(describeKill).join('; ')}\nAgain: npm run crash -- --seed ${seed} --${life.on === 'sqlite' ? 'life' : 'postgres-life'} ${life.number}`,
      { cause },
    )
  }
}

export function describeTotals(totals: LifeTotals): string {
  const { lives, kills, events, effects, byNeighbours, published, repeated, letters, discarded } =
    totals
  const { redrives, timers, tasks } = totals
  const killed = [...kills.values()].reduce((sum, count) => sum + count, 0)
  return `${killed} processes killed in ${lives} lives: ${events} events, ${effects} effects each once and in order (${byNeighbours} by neighbours who share shards), ${published} records published at least once (${repeated} twice), ${letters} parked events all accounted for (${redrives} redrives, ${discarded} discarded), ${timers} timers and ${tasks} tasks each once`
}
