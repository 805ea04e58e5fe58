import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkLeftovers } from './leftovers.ts'
import {
  checkBrowserSafe,
  checkCycles,
  checkLayers,
  checkPackages,
  checkSizes,
  type Fault,
  type Files,
} from './tidy.ts'

export const root: string = fileURLToPath(new URL('..', import.meta.url))

/** Every text file that git tracks or would track. */
export function readRepository(): Files {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const files = new Map<string, string>()
  for (const file of listed.split('\0').toSorted()) {
    if (!/\.(?:ts|tsx|mts|js|json|md|sh)$/.test(file) || file === 'package-lock.json') continue
    // git also lists what was deleted and not yet committed
    if (existsSync(root + file)) files.set(file, readFileSync(root + file, 'utf8'))
  }
  return files
}

/** All rules over one state of the repository. */
export function checkAll(files: Files): Fault[] {
  return [
    ...checkLayers(files),
    ...checkCycles(files),
    ...checkPackages(files),
    ...checkBrowserSafe(files, 'packages/core/src/contract.ts'),
    ...checkSizes(files),
    ...checkLeftovers(files),
  ]
}

export function describeFault({ rule, file, line, message }: Fault): string {
  return `${file}:${line}  [${rule}] ${message}`
}
