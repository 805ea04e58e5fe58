import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { scaled, type Bench, type Running, type Setting, type Variant } from './harness/bench.ts'
import { buildCli, cliFile } from './harness/cli.ts'
import { toWire } from '../packages/core/src/contract/tidings-codec.ts'
import { createIdSource } from '../packages/core/src/internal/ids.ts'
import { toIsoTime } from '../packages/core/src/internal/time.ts'
import { orderEvents, orderLine } from './workload/orders.ts'
import { createRandom, createRandomFill } from './workload/random.ts'

const EVENTS = 1_000_000
/** Streams that are open at the same time; each gets ten events. */
const OPEN_STREAMS = 200
const START = Date.UTC(2026, 10, 21)

const input = ({ shared }: Pick<Setting, 'shared'>): string => join(shared, 'events.ndjson')

/** Writes the events as NDJSON of Tidings envelopes, about 750 bytes a line. */
async function seed({ shared, scale }: Pick<Setting, 'shared' | 'scale'>): Promise<void> {
  buildCli()
  const random = createRandom(8)
  const ids = createIdSource(createRandomFill(9))
  const file = createWriteStream(input({ shared }))
  const open: { id: string; correlationId: string }[] = []
  for (let n = 0; n < scaled(EVENTS, scale); n++) {
    const now = START + n
    const place = n % OPEN_STREAMS
    if (n % (OPEN_STREAMS * 10) < OPEN_STREAMS) {
      open[place] = { id: ids.newId(now), correlationId: ids.newId(now) }
    }
    const { id, correlationId } = open[place] ?? { id: '', correlationId: '' }
    const wire = toWire({
      eventId: ids.newId(now),
      eventType: (orderEvents[n % orderEvents.length] ?? orderEvents[0]).type,
      eventVersion: 1,
      timestamp: toIsoTime(now),
      aggregateType: 'Shop.Order',
      aggregateId: id,
      correlationId,
      payload: orderLine(id, random),
      metadata: { source: 'shop.web', actor: `user-${n % 97}` },
    })
    if (!file.write(`${JSON.stringify(wire)}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
}

/** Reports the largest resident memory of a program when it ends; only the program itself knows it exactly. */
const WATCH = `data:text/javascript,${encodeURIComponent(
  `import { writeFileSync } from 'node:fs'
process.on('exit', () => writeFileSync(process.env.BENCH_RSS_FILE, String(process.resourceUsage().maxRSS)))`,
)}`

interface ImportSummary {
  readonly read: number
  readonly stored: number
  readonly duplicates: number
  readonly rejected: number
}

/** @returns what the import says, and its largest resident memory in kB. */
function runImport(store: string, setting: Setting): { summary: ImportSummary; maxRssKb: number } {
  const rssFile = join(setting.folder, 'rss')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', WATCH, cliFile, 'import', input(setting), '--store', `sqlite:${store}`, '--json'],
    { encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production', BENCH_RSS_FILE: rssFile } },
  )
  if (status !== 0) throw new Error(`tidings import ended with ${status}: ${stderr.slice(-2000)}`)
  return {
    summary: JSON.parse(stdout) as ImportSummary,
    maxRssKb: Number(readFileSync(rssFile, 'utf8')),
  }
}

const importing: Variant = {
  name: 'tidings import',
  start(setting): Running {
    const count = scaled(EVENTS, setting.scale)
    const store = join(setting.folder, 'log.db')
    return {
      prepare() {
        for (const suffix of ['', '-wal', '-shm']) rmSync(store + suffix, { force: true })
      },
      sample() {
        const { summary, maxRssKb } = runImport(store, setting)
        if (summary.read !== count || summary.stored !== count) {
          throw new Error(`of ${count} events: ${JSON.stringify(summary)}`)
        }
        return { count, figures: { 'max RSS, MB': (maxRssKb * 1024) / 1e6 } }
      },
    }
  },
}

export const bench: Bench = {
  name: 'import',
  summary: 'tidings import of 1,000,000 events from NDJSON into a new SQLite log',
  clock: 'wall',
  shows: 'rate',
  unit: 'event',
  spawns: true,
  rounds: 1,
  warmups: 0,
  variants: [importing],
  goals: [
    { kind: 'figure', variant: 'tidings import', figure: 'max RSS, MB', unit: 'MB', atMost: 200 },
  ],
  figures: ['max RSS, MB'],
  notes: [
    'Without contracts, as the command line is used on a foreign log; envelope checked on every line. The resident memory is the largest that the process itself reports when it ends, the database included as far as it is in its memory.',
  ],
  seed,
}
