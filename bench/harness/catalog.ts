import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bench } from './bench.ts'

export const benchFolder: string = fileURLToPath(new URL('..', import.meta.url))

export function benchNames(): string[] {
  return globSync('*.bench.ts', { cwd: benchFolder })
    .map((file) => file.replace('.bench.ts', ''))
    .toSorted()
}

/** The bench of `NAME.bench.ts`. */
export async function loadBench(name: string): Promise<Bench> {
  const { bench } = (await import(`../${name}.bench.ts`)) as { bench: Bench }
  return bench
}
