import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { checkLife, type LifeReport, type Remains } from './check-life.ts'
import type { Kill, Life, Start } from './plan-life.ts'

const program = fileURLToPath(new URL('process.ts', import.meta.url))
/** What was compiled once is not compiled for each process again: two thirds of their time. */
const compiled = fileURLToPath(new URL('../../../.cache/node', import.meta.url))

/** A process that is not dead or ready by then never will be. */
const LIMIT_MS = 60_000

/** Lives one life, whole, and checks what it left. */
export async function live(life: Life): Promise<LifeReport> {
  return withRemains(life, checkLife)
}

/** Lives one life, and shows what it left before that is taken away. */
export async function withRemains<Result>(
  { seed, kills }: Life,
  look: (remains: Remains) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-life-'))
  const file = join(folder, 'log.db')
  const published = join(folder, 'published.ndjson')
  const acknowledged = new Map<string, number>()
  try {
    for (const kill of [...kills, undefined]) {
      await runProcess({ file, published, seed, kill }, acknowledged)
    }
    return await look({ file, published, acknowledged, kills: kills.length })
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function runProcess(start: Start, acknowledged: Map<string, number>): Promise<void> {
  const { kill } = start
  const child = spawn(
    process.execPath,
    ['--conditions=@tidings/source', program, JSON.stringify(start)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: compiled },
      timeout: LIMIT_MS,
      killSignal: 'SIGTERM',
    },
  )
  const ended = endOf(child)
  let isFinished = false
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'finished') isFinished = true
    else if (line === 'ready') killAtMoment(child, kill)
    else {
      const [key = '', n] = line.split(' ')
      acknowledged.set(key, Number(n))
    }
  })
  const { code, signal } = await ended
  if (kill === undefined && (code !== 0 || !isFinished)) {
    throw new Error(`The last process has not finished: it ended with ${signal ?? code}`)
  }
  if (kill !== undefined && signal !== 'SIGKILL') {
    throw new Error(
      `A process ended with ${signal ?? code}, but had to be killed: ${describeKill(kill)}`,
    )
  }
}

function killAtMoment(child: ChildProcess, kill: Kill | undefined): void {
  if (kill?.kind === 'moment') setTimeout(() => child.kill('SIGKILL'), kill.delayMs)
}

function endOf(
  child: ChildProcess,
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

export function describeKill(kill: Kill): string {
  return kill.kind === 'point'
    ? `'${kill.point}', hit ${kill.hit}`
    : `${kill.delayMs.toFixed(0)} ms after the start`
}
