import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { benchFolder } from './catalog.ts'

const root = join(benchFolder, '..')

/** The command line as it is installed: its bin, which loads what was built. */
export const cliFile: string = join(root, 'packages', 'cli', 'bin', 'tidings.js')

/** Builds it, so that no earlier build is measured. */
export function buildCli(): void {
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const { status, stdout } = spawnSync(tsc, ['-b', join('packages', 'cli')], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the command line does not build:\n${stdout.slice(0, 4000)}`)
}
