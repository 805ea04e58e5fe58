import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { parseLines, type CliResult } from './cli.ts'

interface Figures {
  readonly read: number
  readonly stored: number
  readonly duplicates: number
  readonly rejected: number
  readonly streams: number
  readonly types: number
}

/** What `import --json` prints, without how long it took. */
export function figures(result: CliResult): Figures {
  const { seconds, ...rest } = JSON.parse(result.stdout) as Figures & { seconds: number }
  expect(seconds).toBeGreaterThan(0)
  return rest
}

interface Reject {
  readonly line: number
  readonly code: string
  readonly reason: string
  readonly pointer: string
  readonly raw: string
  readonly encoding?: string
  readonly cut?: boolean
  readonly bytes?: number
}

/** The lines of a rejects file. */
export const rejectsOf = (folder: string, name = 'in.ndjson.rejects.ndjson'): Reject[] =>
  parseLines<Reject>(readFileSync(join(folder, name), 'utf8'))
