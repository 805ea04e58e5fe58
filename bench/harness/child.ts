/** One variant in a process of its own: `child.ts BENCH VARIANT FOLDER SHARED SCALE`, told what to do by messages. */
import type { Measurement, Running } from './bench.ts'
import { loadBench } from './catalog.ts'

const [benchName = '', variantName = '', folder = '', shared = '', scale = '1'] =
  process.argv.slice(2)

export type Order = 'sample' | 'stop'
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'measured'; readonly measurement: Measurement }
  | { readonly kind: 'failed'; readonly message: string }

function report(message: Report): void {
  process.send?.(message)
}

async function measure(running: Running): Promise<Measurement> {
  await running.prepare?.()
  // What the preparation left behind is collected now, not at the cost of the sample.
  globalThis.gc?.()
  const cpu = process.cpuUsage()
  const start = performance.now()
  const sample = await running.sample()
  const wallMs = performance.now() - start
  const used = process.cpuUsage(cpu)
  await running.settle?.()
  return {
    count: sample.count,
    wallMs,
    cpuMs: (used.user + used.system) / 1000,
    figures: sample.figures ?? {},
  }
}

const bench = await loadBench(benchName)
const variant = bench.variants.find(({ name }) => name === variantName)
if (variant === undefined) throw new Error(`${benchName} has no variant '${variantName}'`)
const running = await variant.start({ folder, shared, scale: Number(scale) })

async function obey(order: Order): Promise<void> {
  if (order === 'sample') return report({ kind: 'measured', measurement: await measure(running) })
  await running.stop?.()
  process.disconnect()
}

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    report({
      kind: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  })
})
report({ kind: 'ready' })
