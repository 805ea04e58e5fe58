// npm run soak [-- bus|delivery|postgres] [--events N] [--keys N] [--processes N] [--seconds N] [--pace MS]: many events, a heap
// that stays flat, a rate that does not fall, and several processes on one log.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setup } from '../../packages/postgres/test/kit/global-setup.ts'
import { megabytes } from './heap.ts'
import { soakBus } from './soak-bus.ts'
import { describeStretch, soakDelivery } from './soak-delivery.ts'
import { describePostgresSoak, soakPostgres } from './soak-postgres.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string' },
    keys: { type: 'string', default: '10000' },
    processes: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '300' },
    pace: { type: 'string', default: '4' },
    /** Tells the rates and judges nothing by them: a short run on a busy machine shows none. */
    'any-rate': { type: 'boolean', default: false },
  },
})

const onProgress = (line: string): void => console.log(line)

async function runBus(): Promise<string> {
  const count = Number(values.events ?? 20_000_000)
  const totals = await soakBus({ count, checks: 20, onProgress })
  const { published, queued, batched, windowed, baseBytes, highestBytes } = totals
  const all = published + queued + batched + windowed
  return `flat: ${all} events: ${published} published, ${queued} queued, ${batched} batched, ${windowed} in windows; heap ${megabytes(baseBytes)} at first, ${megabytes(highestBytes)} at the most`
}

async function runDelivery(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-soak-'))
  try {
    const stretches = await soakDelivery({
      events: Number(values.events ?? 1_000_000),
      keys: Number(values.keys),
      file: join(folder, 'log.db'),
      leastRatio: values['any-rate'] ? undefined : 0.9,
      onProgress,
    })
    return `steady: ${stretches.map(describeStretch).join(' | ')}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runPostgres(): Promise<string> {
  const end = setup()
  try {
    const processes = Number(values.processes)
    const seconds = Number(values.seconds)
    const paceMs = Number(values.pace)
    return describePostgresSoak(await soakPostgres({ processes, seconds, paceMs, onProgress }))
  } finally {
    await end?.()
  }
}

const parts: Readonly<Record<string, () => Promise<string>>> = {
  bus: runBus,
  delivery: runDelivery,
  postgres: runPostgres,
}

const chosen = positionals.length === 0 ? Object.keys(parts) : positionals
for (const name of chosen) {
  const run = parts[name]
  if (run === undefined) {
    throw new Error(`The parts of the soak are bus, delivery and postgres; got '${name}'.`)
  }
  const start = performance.now()
  const line = await run()
  console.log(`${line}; ${((performance.now() - start) / 1000).toFixed(0)} s`)
}
