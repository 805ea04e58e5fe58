import * as z from 'zod'
import { batch, createEventBus, defineEvent, window, type EventBus } from 'tidings'
import { heapBytes, megabytes } from './heap.ts'

const payload = z.object({ n: z.number() })
const Published = defineEvent('Soak.Direct.Published', { payload })
const Queued = defineEvent('Soak.Queue.Queued', { payload })
const Batched = defineEvent('Soak.Batch.Batched', { payload })
const Windowed = defineEvent('Soak.Window.Counted', { payload })
const events = [Published, Queued, Batched, Windowed] as const

const BATCH = 100
const WINDOW = 50
/** Events of one go, a quarter of them through each way. */
const STEP = 4000
/** More than all that is under way in a step; a byte for each of 10 million events would be seen. */
const SLACK_BYTES = 4_000_000

export interface SoakOptions {
  readonly count: number
  /** How often the heap is looked at, the first of them as the base. */
  readonly checks: number
  readonly onProgress: (line: string) => void
}

export interface SoakTotals {
  readonly published: number
  readonly queued: number
  readonly batched: number
  readonly windowed: number
  readonly baseBytes: number
  readonly highestBytes: number
}

type Totals = Record<'published' | 'queued' | 'batched' | 'windowed', number>

/**
 * Sends many events through every way of a bus that lasts, and looks at the heap as it goes.
 *
 * @throws {Error} the heap grew, or an event is missing
 */
export async function soakBus({ count, checks, onProgress }: SoakOptions): Promise<SoakTotals> {
  const totals: Totals = { published: 0, queued: 0, batched: 0, windowed: 0 }
  const failures: unknown[] = []
  await using bus = createEventBus({ events, onFailure: ({ error }) => failures.push(error) })
  listen(bus, totals)
  const steps = Math.ceil(count / STEP)
  const every = Math.max(1, Math.floor(steps / checks))
  let baseBytes = 0
  let highestBytes = 0
  for (let step = 1; step <= steps; step++) {
    await sendStep(bus)
    if (step % every > 0) continue
    const bytes = heapBytes()
    // What the first steps compile and cache is no growth.
    if (baseBytes === 0) baseBytes = bytes
    highestBytes = Math.max(highestBytes, bytes)
    onProgress(`${step * STEP} events, ${megabytes(bytes)} after a collection`)
    requireFlat(baseBytes, bytes, step * STEP)
  }
  await bus.drain()
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} handlers failed`)
  for (const [way, found] of Object.entries(totals)) requireAll(way, found, (steps * STEP) / 4)
  return { ...totals, baseBytes, highestBytes }
}

function listen(bus: EventBus<(typeof events)[number]['~event']>, totals: Totals): void {
  bus.subscribe(Published, () => void totals.published++)
  bus.subscribe(Queued, async () => {
    await Promise.resolve()
    totals.queued++
  })
  bus.subscribe(
    Batched,
    batch({ size: BATCH }, (all) => {
      totals.batched += all.length
    }),
  )
  bus.subscribe(
    Windowed,
    window({ kind: 'tumbling', count: WINDOW, ms: 3_600_000 }, ({ events: seen }) => {
      totals.windowed += seen.length
    }),
  )
}

async function sendStep(bus: EventBus<(typeof events)[number]['~event']>): Promise<void> {
  for (let n = 0; n < STEP / 4; n++) {
    await bus.publish(Published({ n }))
    await bus.publish(Windowed({ n }))
    await bus.enqueue(Queued({ n }))
  }
  for (let sent = 0; sent < STEP / 4; sent += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, (_, n) => bus.publish(Batched({ n }))))
  }
  await bus.drain()
}

function requireFlat(baseBytes: number, bytes: number, sent: number): void {
  if (bytes - baseBytes < SLACK_BYTES) return
  throw new Error(`The heap grew from ${baseBytes} to ${bytes} bytes in ${sent} events.`)
}

function requireAll(way: string, found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`${found} of ${wanted} events were ${way}.`)
}
