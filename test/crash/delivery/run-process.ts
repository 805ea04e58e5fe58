import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../../tools/bundle.ts'
import type { Kill, Start } from './plan-life.ts'

let program: Promise<string> | undefined
/** What was compiled once is not compiled for each process again. */
const compiled = fileURLToPath(new URL('../../../.cache/node', import.meta.url))

/** A process that is not dead or ready by then never will be. */
const LIMIT_MS = 120_000

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Runs a process until it dies as it should, or has finished. */
export async function runProcess(start: Start, acknowledged: Map<string, number>): Promise<void> {
  const { kill } = start
  const child = await spawnLife(start, LIMIT_MS)
  const ended = endOf(child)
  let isFinished = false
  linesOf(child).on('line', (line) => {
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

/** A process that lives beside others, and dies when it is told to. */
export interface Neighbour {
  readonly pid: number
  /** @throws {Error} it has ended before, by itself */
  kill(): Promise<void>
}

/** Resolves when it is at work. */
export async function startNeighbour(start: Start): Promise<Neighbour> {
  const child = await spawnLife(start, undefined)
  const ended = endOf(child)
  const ready = new Promise<void>((resolve) => {
    linesOf(child).on('line', (line) => line === 'ready' && resolve())
  })
  const early = ended.then(({ code, signal }) => {
    throw new Error(`A neighbour ended with ${signal ?? code} before it was ready`)
  })
  await Promise.race([ready, early])
  // Later it is looked at by who kills it.
  early.catch(() => undefined)
  return {
    pid: child.pid ?? Number.NaN,
    async kill() {
      const isAlive = child.exitCode === null && child.kill('SIGKILL')
      const { code, signal } = await ended
      if (!isAlive) throw new Error(`A neighbour ended with ${signal ?? code} by itself`)
    },
  }
}

async function spawnLife(start: Start, timeout: number | undefined): Promise<ChildProcess> {
  program ??= bundle(fileURLToPath(new URL('process.ts', import.meta.url)))
  return spawn(process.execPath, [await program, JSON.stringify(start)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
    timeout,
    killSignal: 'SIGTERM',
  })
}

function linesOf(child: ChildProcess): ReturnType<typeof createInterface> {
  if (child.stdout === null) throw new Error('A process says nothing.')
  return createInterface({ input: child.stdout })
}

function killAtMoment(child: ChildProcess, kill: Kill | undefined): void {
  if (kill?.kind === 'moment') setTimeout(() => child.kill('SIGKILL'), kill.delayMs)
}

function endOf(child: ChildProcess): Promise<End> {
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
