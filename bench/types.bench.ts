import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scaled, type Bench, type Running, type Setting, type Variant } from './harness/bench.ts'
import { benchFolder } from './harness/catalog.ts'
import { generateApp, type AppPlan, type Part } from './workload/generated-app.ts'

const root = join(benchFolder, '..')
const tsc = join(root, 'node_modules', '.bin', 'tsc')

/**
 * Instantiations when this was last looked at, on purpose, and the share that may come on top before
 * the bench fails. Unlike seconds they are the same on every machine.
 */
const RECORDED = { modules: 496_495, app: 1_427_911 }
const SLACK = 1.2

const plan = (scale: number): AppPlan => ({
  modules: scaled(60, scale),
  sends: scaled(60, scale),
  listeners: scaled(42, scale),
})

function compile(project: string, more: readonly string[]): string {
  const { status, stdout } = spawnSync(tsc, ['-p', project, ...more], {
    encoding: 'utf8',
    cwd: root,
  })
  if (status !== 0) throw new Error(`tsc of ${project} failed:\n${stdout.slice(0, 4000)}`)
  return stdout
}

/** Our package as a user has it: its declarations, beside zod, where the generated sources look for them. */
function seed({ shared }: Pick<Setting, 'shared'>): void {
  const core = join(root, 'packages', 'core')
  const installed = join(shared, 'node_modules', 'tidings')
  mkdirSync(installed, { recursive: true })
  cpSync(join(core, 'package.json'), join(installed, 'package.json'))
  compile(core, [
    '--declaration',
    '--emitDeclarationOnly',
    '--composite',
    'false',
    '--incremental',
    'false',
    '--declarationMap',
    'false',
    '--outDir',
    join(installed, 'dist'),
  ])
  for (const name of ['zod', '@standard-schema']) {
    symlinkSync(join(root, 'node_modules', name), join(shared, 'node_modules', name))
  }
}

function write(folder: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
  const compilerOptions = {
    target: 'ES2024',
    lib: ['ES2024', 'ESNext.Disposable', 'ESNext.Iterator', 'ESNext.Collection', 'DOM'],
    module: 'nodenext',
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['*.ts'] }),
  )
}

/** A number of `tsc --extendedDiagnostics`, for example `Instantiations: 1694321`. */
function diagnostic(output: string, label: string): number {
  const found = new RegExp(`^${label}:\\s+([\\d.]+)`, 'm').exec(output)?.[1]
  if (found === undefined) throw new Error(`tsc says nothing of '${label}':\n${output}`)
  return Number(found)
}

function compiling(name: string, part: Part): Variant {
  return {
    name,
    start({ shared, scale }): Running {
      const folder = join(shared, part)
      write(folder, generateApp(part, plan(scale)))
      return {
        sample() {
          const output = compile(folder, ['--extendedDiagnostics', '--singleThreaded'])
          return {
            count: plan(scale).modules * 5,
            figures: {
              instantiations: diagnostic(output, 'Instantiations'),
              types: diagnostic(output, 'Types'),
              seconds: diagnostic(output, 'Total time'),
            },
          }
        },
      }
    },
  }
}

export const bench: Bench = {
  name: 'types',
  summary: 'what 300 events and 300 commands in 60 modules cost the compiler',
  clock: 'wall',
  shows: 'rate',
  unit: 'event',
  rounds: 5,
  warmups: 1,
  variants: [
    compiling('zod schemas alone', 'schemas'),
    compiling('modules, no app', 'modules'),
    compiling('whole app', 'app'),
  ],
  goals: [
    {
      kind: 'figure',
      variant: 'modules, no app',
      figure: 'instantiations',
      unit: 'instantiations',
      atMost: RECORDED.modules * SLACK,
    },
    {
      kind: 'figure',
      variant: 'whole app',
      figure: 'instantiations',
      unit: 'instantiations',
      atMost: RECORDED.app * SLACK,
    },
  ],
  spawns: true,
  figures: ['instantiations', 'types', 'seconds'],
  notes: [
    `60 modules of 5 events, 5 commands and an aggregate; the app sends 60 commands and has 42 listeners. tsc ${readVersion()}, single-threaded, against the declarations of our package. The ceiling is what was recorded (${RECORDED.modules} and ${RECORDED.app}) and a fifth.`,
  ],
  seed,
}

function readVersion(): string {
  const { version } = JSON.parse(
    readFileSync(join(root, 'node_modules', 'typescript', 'package.json'), 'utf8'),
  ) as { version: string }
  return version
}
