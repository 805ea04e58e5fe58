import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { numberedId } from './events.ts'

export interface ImportMeasure {
  readonly seconds: number
  /** Highest resident memory of the whole run, and where it stood at each tenth of it, in MB. */
  readonly peakMb: number
  readonly tenthsMb: readonly number[]
  readonly figures: { readonly stored: number; readonly streams: number }
}

/**
 * Imports made-up events through a pipe into a new file and watches the memory of the process that
 * does it. Events come as they do from a shop: some 450 bytes, streams that take turns, one in ten
 * begins a stream.
 *
 * @param command how the command line is started: arguments for Node
 */
export async function measureImport(
  command: readonly string[],
  { events, cwd }: { readonly events: number; readonly cwd: string },
): Promise<ImportMeasure> {
  const startMs = performance.now()
  const child = spawn(
    process.execPath,
    [...command, 'import', '-', '--store', 'sqlite:log.db', '--json'],
    {
      cwd,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  )
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const ended = new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  )
  const tenthsMb: number[] = []
  let peakMb = 0
  for (let first = 0; first < events; first += PIECE) {
    const piece = Array.from({ length: Math.min(PIECE, events - first) }, (_, index) =>
      makeLine(first + index),
    ).join('')
    if (!child.stdin.write(piece))
      await new Promise((resolve) => child.stdin.once('drain', resolve))
    const memory = readMemory(child.pid ?? 0)
    peakMb = Math.max(peakMb, memory.peakMb)
    if (((first + PIECE) * 10) % events < PIECE * 10) tenthsMb.push(memory.nowMb)
  }
  child.stdin.end()
  const code = await ended
  if (code !== 0) throw new Error(`the import ended with ${code}`)
  const figures = JSON.parse(stdout) as ImportMeasure['figures']
  return { seconds: (performance.now() - startMs) / 1000, peakMb, tenthsMb, figures }
}

const PIECE = 1000

function makeLine(number: number): string {
  const stream =
    number % 10 === 0 ? number : Math.floor((number * 7919) % (number + 1)) - (number % 10)
  const aggregate = Math.max(0, stream - (stream % 10))
  return `${JSON.stringify({
    event_id: numberedId(number),
    event_type:
      number % 10 === 0 ? 'Shop.Order.Created' : `Shop.Order.${VERBS[number % VERBS.length]}`,
    event_version: 1,
    timestamp: new Date(1_700_000_000_000 + number * 250).toISOString(),
    aggregate_type: 'Shop.Order',
    aggregate_id: numberedId(10_000_000 + aggregate),
    correlation_id: numberedId(20_000_000 + aggregate),
    causation_id: null,
    payload: {
      order: aggregate,
      step: number % 10,
      customer: `customer-${aggregate % 5000}`,
      amount: (number % 977) / 4,
    },
    metadata: { version: 1, source: 'shop' },
  })}\n`
}

const VERBS = [
  'Updated',
  'Confirmed',
  'Packed',
  'Shipped',
  'Delivered',
  'Returned',
  'Cancelled',
] as const

/** Resident memory of a process now, and the most that it ever was, as the kernel counts it. */
function readMemory(pid: number): { readonly nowMb: number; readonly peakMb: number } {
  const status = readFileSync(join('/proc', String(pid), 'status'), 'utf8')
  const read = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1000
  return { nowMb: read('VmRSS'), peakMb: read('VmHWM') }
}
