import { bootstrap, defineModule, defineSubscription, type SqlTransaction } from 'tidings'
import { sqlite, type SqliteStore } from 'tidings/sqlite'
// tidy-allow sleep: it looks at how far it has come from time to time; nothing depends on when
import { setTimeout as pause } from 'node:timers/promises'
import {
  FIFTH,
  fillLog,
  ParcelScanned,
  ScaleCompleted,
  scatter,
  type Counts,
} from './delivery-log.ts'
import { heapBytes, megabytes } from './heap.ts'

export interface DeliverySoakOptions {
  readonly events: number
  readonly keys: number
  /** Where the log lies. */
  readonly file: string
  /** The rate in the last tenth against that in the first one, at the least; undefined: only told. */
  readonly leastRatio: number | undefined
  readonly onProgress: (line: string) => void
}

/** What one subscription did with its share. */
export interface Stretch {
  readonly name: string
  readonly events: number
  /** Events a second of CPU time, in the first tenth and the last. */
  readonly firstRate: number
  readonly lastRate: number
  /** Events a second as the clock on the wall has it, over all. */
  readonly wallRate: number
  /** The most after a collection, in the first third and after it. */
  readonly firstBytes: number
  readonly laterBytes: number
  readonly parked: number
  readonly retried: number
}

/** One parcel of so many cannot be handled, from its first event on, until it is mended. */
const BAD_PARCEL = 20
/** One event of so many fails the first time: a group that fails runs again one by one. */
const FAILS_ONCE = { grouped: 1000, single: 100 } as const
const LOOK_MS = 10
/** More than what is under way at any time; 8 bytes for each of 1 million events would be seen. */
const SLACK_BYTES = 4_000_000
/** What is compiled and cached on the way, which a short run still does in its last part. */
const SHORT_SLACK_BYTES = 12_000_000
const SHORT = 200_000

type Kind = keyof typeof FAILS_ONCE

interface Trouble {
  isMended: boolean
  retried: number
}

/** Both do the same: one row a parcel, which says if any event came twice, or before its time. */
function makeModule(kind: Kind, trouble: Trouble) {
  const events = kind === 'grouped' ? ParcelScanned : ScaleCompleted
  const parcels = defineSubscription<Kind, typeof events, SqlTransaction>(kind, {
    events,
    effects: kind === 'grouped' ? 'database' : 'anywhere',
    retry: { attempts: 2, delay: 5, jitter: false },
    // Keys that fail do so at once, and those that do not wait for the disk.
    outageAfter: 100,
    maxParked: 1_000_000,
    maxParkedOfKey: 10_000,
    async handle({ payload: { parcel, n } }, { tx, attempt, position }) {
      if (parcel % BAD_PARCEL === 0 && !trouble.isMended) throw new Error(`no parcel ${parcel}`)
      if (attempt === 1 && scatter(position) % FAILS_ONCE[kind] === 0 && !trouble.isMended) {
        trouble.retried++
        throw new Error('once')
      }
      await tx.sql`
        update soak_parcels set misplaced = misplaced + (last + 1 <> ${n}), last = ${n}
        where kind = ${kind} and parcel = ${parcel}`
    },
  })
  return defineModule('soak', [ParcelScanned, ScaleCompleted, parcels])
}

/**
 * Delivers many events to a subscription that handles them in groups and to one that does not; some
 * fail once, and some keys stay parked until they are redriven at the end.
 *
 * @throws {Error} an effect is missing, doubled or out of order, memory grew, or the rate fell
 */
export async function soakDelivery(options: DeliverySoakOptions): Promise<readonly Stretch[]> {
  const store = sqlite({ file: options.file, synchronous: 'normal' })
  const counts = await prepare(store, options)
  await store.close()
  const stretches: Stretch[] = []
  for (const kind of ['grouped', 'single'] as const) {
    const stretch = await runThrough(kind, options)
    await redriveAll(kind, options)
    await requireEffects(kind, options, counts)
    options.onProgress(describeStretch(stretch))
    requireSteady(stretch, options)
    stretches.push(stretch)
  }
  return stretches
}

async function prepare(store: SqliteStore, options: DeliverySoakOptions): Promise<Counts> {
  const { events, keys, onProgress } = options
  const trouble = { isMended: true, retried: 0 }
  const modules = [makeModule('grouped', trouble)]
  const app = await bootstrap({ store, modules, delivery: { run: false } })
  const counts = await fillLog(app.store, { events, keys })
  await store.transaction(async (tx) => {
    await tx.sql`
      create table soak_parcels (
        kind text not null, parcel integer not null, last integer not null, misplaced integer not null,
        primary key (kind, parcel)
      ) strict, without rowid`
    for (const kind of ['grouped', 'single'])
      for (let parcel = 0; parcel < keys; parcel++)
        await tx.sql`insert into soak_parcels values (${kind}, ${parcel}, 0, 0)`
  })
  onProgress(`${events} events of ${keys} parcels are in the log`)
  await app.close()
  return counts
}

/** What was seen when the mark passed a part of the log. */
interface Look {
  readonly position: number
  readonly cpuMs: number
  readonly wallMs: number
  readonly bytes: number
}

async function runThrough(kind: Kind, options: DeliverySoakOptions): Promise<Stretch> {
  const { events, onProgress } = options
  const checks = events < SHORT ? 20 : 60
  const trouble = { isMended: false, retried: 0 }
  const app = await bootstrap({
    store: sqlite({ file: options.file, synchronous: 'normal' }),
    modules: [makeModule(kind, trouble)],
  })
  // A twentieth of the keys fails, and the others do not.
  let worry: string | undefined
  app.observations.subscription.observe(({ to, reason }) => {
    if (to === 'outage' || to === 'failed') worry = `${kind} is in state ${to}: ${reason}`
  })
  const looks = [look(0)]
  while (looks.at(-1)!.position < events) {
    await pause(LOOK_MS)
    if (worry !== undefined) throw new Error(worry)
    const position = app.delivery.subscriptions[0]?.handledUpTo ?? 0
    const next = (looks.length * events) / checks
    if (position < next && position < events) continue
    looks.push(look(position))
    const { bytes } = looks.at(-1)!
    if (looks.length % 10 === 0) onProgress(`${kind}: at ${position}, ${megabytes(bytes)}`)
  }
  const { parked } = await app.admin.subscription(kind)
  await app.close()
  return { name: kind, parked, retried: trouble.retried, ...readLooks(kind, looks) }
}

/** What looking has cost so far is no part of the rate. */
let lookingMs = 0

function look(position: number): Look {
  const startMs = cpuMs()
  const seen = { position, cpuMs: startMs - lookingMs, wallMs: performance.now() }
  const bytes = heapBytes()
  lookingMs += cpuMs() - startMs
  return { ...seen, bytes }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function readLooks(
  kind: Kind,
  looks: readonly Look[],
): Omit<Stretch, 'name' | 'parked' | 'retried'> {
  const share = kind === 'single' ? 1 / FIFTH : 1 - 1 / FIFTH
  const at = (part: number): Look => looks[Math.round((looks.length - 1) * part)]!
  const rate = (from: Look, to: Look, clock: 'cpuMs' | 'wallMs'): number =>
    ((to.position - from.position) * share * 1000) / (to[clock] - from[clock])
  const most = (some: readonly Look[]): number => Math.max(...some.map(({ bytes }) => bytes))
  const third = Math.ceil(looks.length / 3)
  return {
    events: Math.round((at(1).position - at(0).position) * share),
    firstRate: rate(at(0), at(0.1), 'cpuMs'),
    lastRate: rate(at(0.9), at(1), 'cpuMs'),
    wallRate: rate(at(0), at(1), 'wallMs'),
    firstBytes: most(looks.slice(0, third)),
    laterBytes: most(looks.slice(third)),
  }
}

/** Everything that was parked is handled in the end, in its order. */
async function redriveAll(kind: Kind, options: DeliverySoakOptions): Promise<void> {
  const app = await bootstrap({
    store: sqlite({ file: options.file, synchronous: 'normal' }),
    modules: [makeModule(kind, { isMended: true, retried: 0 })],
  })
  const request = { kind: 'redrive', subscription: kind, by: 'soak', reason: 'mended' } as const
  const startMs = performance.now()
  const { operationId } = await app.admin.request(request)
  const { operation } = await app.admin.ended(operationId)
  while ((await app.admin.subscription(kind)).parked > 0) await pause(LOOK_MS)
  await app.close()
  const { moved, parkedAgain } = operation.result as Record<string, number>
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  options.onProgress(`${kind}: ${moved} redriven in ${seconds} s`)
  if (parkedAgain !== 0) throw new Error(`${parkedAgain} are parked again`)
}

async function requireEffects(
  kind: Kind,
  options: DeliverySoakOptions,
  counts: Counts,
): Promise<void> {
  const store = sqlite(options.file)
  const rows = await store.transaction(
    (tx) =>
      tx.sql<{ parcel: number; last: number; misplaced: number }>`
        select parcel, last, misplaced from soak_parcels where kind = ${kind}`,
  )
  await store.close()
  const wanted = kind === 'grouped' ? counts.scanned : counts.completed
  const wrong = rows.filter(
    ({ parcel, last, misplaced }) => misplaced > 0 || last !== wanted[parcel],
  )
  if (wrong.length === 0 && rows.length === options.keys) return
  throw new Error(
    `${kind}: each event has its effect once and in order; ${wrong.length} of ${rows.length} parcels differ, the first is ${JSON.stringify(wrong[0])}`,
  )
}

function requireSteady(
  { name, firstBytes, laterBytes, firstRate, lastRate }: Stretch,
  { events, leastRatio }: DeliverySoakOptions,
): void {
  const slackBytes = events < SHORT ? SHORT_SLACK_BYTES : SLACK_BYTES
  if (laterBytes - firstBytes > slackBytes) {
    throw new Error(`${name}: the heap grew from ${firstBytes} to ${laterBytes} bytes.`)
  }
  if (leastRatio !== undefined && lastRate < leastRatio * firstRate) {
    throw new Error(
      `${name}: the rate in the last tenth is at least ${leastRatio} × that in the first; it fell from ${firstRate.toFixed(0)} to ${lastRate.toFixed(0)} events/s.`,
    )
  }
}

export function describeStretch(stretch: Stretch): string {
  const { name, events, firstRate, lastRate, wallRate, firstBytes, laterBytes } = stretch
  return [
    `${name}: ${events} events, ${wallRate.toFixed(0)}/s`,
    `${firstRate.toFixed(0)}/s of CPU in the first tenth, ${lastRate.toFixed(0)} in the last (${(lastRate / firstRate).toFixed(2)} ×)`,
    `heap ${megabytes(firstBytes)} in the first third, ${megabytes(laterBytes)} after it`,
    `${stretch.retried} failed once, ${stretch.parked} were parked and redriven`,
  ].join('; ')
}
