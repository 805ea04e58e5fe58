import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../tools/repository.ts'

const own = join(root, 'node_modules', '.bin')
const bin = join(root, 'packages', 'cli', 'bin', 'tidings.js')

const majorOf = (version: string): number => Number(version.replace('v', '').split('.')[0])

test('tests run on Node 24 or later', () => {
  expect(majorOf(process.version)).toBeGreaterThanOrEqual(24)
})

test('npm scripts run on the Node of the lock file, whatever the machine has', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const { stdout } = run('npm', ['exec', '--call', 'node -p process.version'], machinePath())
  expect(stdout.trim()).toBe(`v${devDependencies['node']}`)
})

const refusal = (version: string): RegExp =>
  new RegExp(
    `^tidings needs Node 24 or later \\(this is v${version.replaceAll('.', '\\.')}\\)\\.\n.*npx -p node@24 -p @tidings/cli tidings stats --json\n.*nodejs\\.org`,
  )

test.for(['18.20.4', '20.20.2', '22.12.0', '23.11.1'])(
  'the bin on Node %s says what it needs and how to get it',
  (version) => {
    const pretend = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`
    const result = run(process.execPath, ['--import', pretend, bin, 'stats', '--json'])
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toMatch(refusal(version))
  },
)

test('the line to paste keeps words together that a shell would take apart', () => {
  const pretend = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})`
  const args = ['events', '--type', 'Todo.**', '--stream', "Todo.Item/it's", '']
  const { stderr } = run(process.execPath, ['--import', pretend, bin, ...args])
  expect(stderr).toContain(`tidings events --type 'Todo.**' --stream 'Todo.Item/it'\\''s' ''\n`)
})

test('the bin parses on old versions of Node: nothing newer than ES2017, and a late import', () => {
  const code = readFileSync(bin, 'utf8')
  expect(code).not.toMatch(/^\s*(?:import|export)\s/m)
  expect(code).not.toMatch(/=>|`|\?\?|\?\.|\b(?:const|let|class|await|async)\b/)
})

const older = olderNode()

test.skipIf(older === undefined)(
  `the bin on the machine's own Node (${older?.version ?? 'as new as ours: nothing to try'}) says so too`,
  () => {
    const result = run(older?.path ?? '', [bin, 'stats', '--json'])
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toMatch(refusal(older?.version.slice(1) ?? ''))
  },
)

function run(command: string, args: readonly string[], path?: string): SpawnSyncReturns<string> {
  const env = { ...process.env, PATH: path ?? process.env['PATH'], NODE_OPTIONS: '' }
  return spawnSync(command, args, { cwd: root, encoding: 'utf8', env })
}

/** What PATH was before npm put folders of this repository, and its own, in front. */
function machinePath(): string {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'))
    .join(delimiter)
}

function olderNode(): { path: string; version: string } | undefined {
  for (const folder of machinePath().split(delimiter)) {
    const path = join(folder, 'node')
    if (folder === own || !existsSync(path)) continue
    const version = run(path, ['--version']).stdout.trim()
    if (majorOf(version) < 24) return { path, version }
  }
  return undefined
}
