import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

export interface Page {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  readonly markdown: string
}

const PAGES = ['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md', 'bench/*.md']
/** Written by tools, or by hand for one release: their links and code are not the documentation's. */
const WRITTEN_BY_TOOLS = ['CHANGELOG.md', 'bench/RESULTS.md']

/** Every page of documentation in the repository. */
export function readPages(): readonly Page[] {
  return globSync(PAGES, { cwd: root, exclude: ['**/node_modules/**'] })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !WRITTEN_BY_TOOLS.some((name) => path.endsWith(name)))
    .toSorted()
    .map((path) => ({ path, markdown: readFileSync(root + path, 'utf8') }))
}

export function readPage(path: string): string {
  return readFileSync(root + path, 'utf8')
}
