import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder } from './support/cli.ts'
import { measureImport } from './support/measure-import.ts'

const main = join(import.meta.dirname, '../src/main.ts')

// A sample of the million that `npm run bench -- import` brings in: what grows with the events shows here too.
test.runIf(existsSync('/proc/self/status'))(
  'an import of 250,000 events holds no more at its end than in its middle',
  async () => {
    const { figures, tenthsMb, peakMb } = await measureImport(
      ['--conditions=@tidings/source', main],
      { events: 250_000, cwd: makeFolder() },
    )
    expect(figures).toMatchObject({ stored: 250_000, streams: 25_000 })
    expect(tenthsMb).toHaveLength(10)
    // SQLite's page cache (64 MB) is full after 150,000 events. Held lines would be 11 MB in each tenth.
    const [middle, end] = [tenthsMb[6]!, tenthsMb[9]!]
    expect(end - middle).toBeLessThan(20)
    expect(peakMb).toBeLessThan(250)
  },
)
