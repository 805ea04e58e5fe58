import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkLife, type LifeReport, type Remains } from './check-life.ts'
import { withLog } from './log-place.ts'
import type { Life, Start } from './plan-life.ts'
import { runProcess, startNeighbour, type Neighbour } from './run-process.ts'

/** Lives one life, whole, and checks what it left. */
export async function live(life: Life): Promise<LifeReport> {
  return withRemains(life, checkLife)
}

/** Lives one life, and shows what it left before that is taken away. */
export async function withRemains<Result>(
  life: Life,
  look: (remains: Remains) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-life-'))
  const published = join(folder, 'published.ndjson')
  try {
    return await withLog(life.on, folder, async (log) => {
      const acknowledged = new Map<string, number>()
      const { seed } = life
      const neighbours = await dieOneByOne(life, { log, published, seed }, acknowledged)
      const { length } = life.kills
      return look({ log, published, acknowledged, kills: length, neighbours })
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** @returns the ids of the neighbours */
async function dieOneByOne(
  { kills, hasNeighbour }: Life,
  common: Pick<Start, 'log' | 'published' | 'seed'>,
  acknowledged: Map<string, number>,
): Promise<readonly number[]> {
  const pids: number[] = []
  let neighbour: Neighbour | undefined
  try {
    for (const [index, kill] of kills.entries()) {
      if (hasNeighbour && neighbour === undefined) {
        neighbour = await startNeighbour({ ...common, role: 'neighbour', kill: undefined })
        pids.push(neighbour.pid)
      }
      await runProcess({ ...common, role: 'worker', kill }, acknowledged)
      if (index % 2 === 0) continue
      await neighbour?.kill()
      neighbour = undefined
    }
  } finally {
    await neighbour?.kill()
  }
  await runProcess({ ...common, role: 'finisher', kill: undefined }, acknowledged)
  return pids
}
