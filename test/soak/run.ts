// npm run soak [-- bus|delivery] [--events N] [--keys N]: many events, a heap that stays flat, and a rate that does not fall.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { megabytes } from './heap.ts'
import { soakBus } from './soak-bus.ts'
import { describeStretch, soakDelivery } from './soak-delivery.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string' },
    keys: { type: 'string', default: '10000' },
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

const parts: Readonly<Record<string, () => Promise<string>>> = {
  bus: runBus,
  delivery: runDelivery,
}

const chosen = positionals.length === 0 ? Object.keys(parts) : positionals
for (const name of chosen) {
  const run = parts[name]
  if (run === undefined) {
    throw new Error(`The parts of the soak are bus and delivery; got '${name}'.`)
  }
  const start = performance.now()
  const line = await run()
  console.log(`${line}; ${((performance.now() - start) / 1000).toFixed(0)} s`)
}
