import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../tools/bundle.ts'
import { checkLog, type LogReport } from './check-log.ts'
import { CALLERS, type Round } from './plan.ts'

let writer: Promise<string> | undefined

/** A writer that is not dead by then never will be. */
const LIMIT_MS = 60_000

/** Starts a writer on a new log, has it killed, and checks what it left. */
export async function crashRound(round: Round): Promise<LogReport> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-crash-'))
  const file = join(folder, 'log.db')
  try {
    const acknowledged = await writeUntilKilled(file, round)
    return await checkLog(file, round.seed, acknowledged)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** For each caller the number of its last acknowledged operation. */
async function writeUntilKilled(file: string, round: Round): Promise<readonly number[]> {
  const acknowledged = Array.from({ length: CALLERS }, () => 0)
  writer ??= bundle(fileURLToPath(new URL('writer.ts', import.meta.url)))
  const child = spawn(process.execPath, [await writer, JSON.stringify({ file, round })], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
    killSignal: 'SIGTERM',
  })
  const ended = new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (_code, signal) => resolve(signal))
  })
  const kill = (): boolean => child.kill('SIGKILL')
  let total = 0
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    const [caller = Number.NaN, number = Number.NaN] = line.split(' ').map(Number)
    acknowledged[caller] = number
    total++
    const { kill: plan } = round
    if (plan.kind === 'moment' && total === plan.acknowledgements + 1)
      setTimeout(kill, plan.delayMs)
  })
  const signal = await ended
  if (signal !== 'SIGKILL') throw new Error(`The writer ended with ${signal}, but had to be killed`)
  return acknowledged
}
