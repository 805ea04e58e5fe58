import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { root } from './pages.ts'

const run = promisify(execFile)

/** What `tidings --help`, or that of a verb, prints into a pipe, in English. */
export async function printHelp(verb?: string): Promise<string> {
  const words = verb === undefined ? ['--help'] : [verb, '--help']
  const file = `${root}packages/cli/src/main.ts`
  const args = ['--conditions=@tidings/source', file, ...words, '--lang', 'en']
  const { stdout } = await run(process.execPath, args, { cwd: root })
  return stdout
}

/** The verbs that the overview lists. */
export function verbsOf(overview: string): string[] {
  const lines = overview.split('\n')
  const from = lines.indexOf('Verbs') + 1
  const to = lines.indexOf('', from)
  return lines.slice(from, to).map((line) => line.trim().split(/\s+/)[0] ?? '')
}
