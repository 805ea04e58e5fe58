import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { root } from './pages.ts'

const run = promisify(execFile)

/** What `tidings --help`, or that of a verb, prints into a pipe, in English. */
export async function printHelp(verb?: string): Promise<string> {
  const words = verb === undefined ? ['--help'] : [...verb.split(' '), '--help']
  const file = `${root}packages/cli/src/main.ts`
  const args = ['--conditions=@tidings/source', file, ...words, '--lang', 'en']
  const { stdout } = await run(process.execPath, args, { cwd: root })
  return stdout
}

/** Every page of help below the overview: the verbs, each with its sub-verbs behind it. */
export async function printPages(overview: string): Promise<{ verb: string; help: string }[]> {
  const pages = await Promise.all(
    verbsOf(overview).map(async (verb) => {
      const help = await printHelp(verb)
      const own = verbsOf(help).map(async (name) => {
        const words = `${verb} ${name}`
        return { verb: words, help: await printHelp(words) }
      })
      return [{ verb, help }, ...(await Promise.all(own))]
    }),
  )
  return pages.flat()
}

/** The verbs that the overview lists, or the page of a verb that has some. */
export function verbsOf(overview: string): string[] {
  const lines = overview.split('\n')
  const from = lines.indexOf('Verbs') + 1
  if (from === 0) return []
  const to = lines.indexOf('', from)
  return lines.slice(from, to).map((line) => line.trim().split(/\s+/)[0] ?? '')
}
