import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createDatabase } from '../../packages/postgres/test/kit/server.ts'
import { root, type Page } from './pages.ts'
import { missingLine, MODULE, planPage, type Expected, type Plan, type Step } from './steps.ts'

/** A step takes two seconds on a busy machine. One that hangs must not outlive the test. */
const LIMIT_MS = 60_000

const CONDITION = '--conditions=@tidings/source'

export interface Workbench extends Disposable {
  /** Inside the repository, so that `tidings` and `zod` resolve; git ignores it. */
  readonly home: string
  readonly pages: ReadonlyMap<string, Plan>
  folderOf(path: string): string
}

/** Writes the modules of every page and what the compiler needs to read them. */
export function prepareWorkbench(pages: readonly Page[]): Workbench {
  // A folder for each run: two runs at once must not take each other's files away.
  mkdirSync(join(root, '.cache'), { recursive: true })
  const home = mkdtempSync(join(root, '.cache/docs-'))
  const folderOf = (path: string): string =>
    join(home, path.replace(/\.md$/, '').replaceAll('/', '-').toLowerCase())
  const plans = new Map(pages.map(({ path, markdown }) => [path, planNamed(path, markdown)]))
  for (const [path, { modules }] of plans) {
    mkdirSync(folderOf(path), { recursive: true })
    for (const [name, text] of modules) writeFileSync(join(folderOf(path), name), text)
  }
  const options = { noUnusedLocals: false, noUnusedParameters: false, incremental: false }
  const project = {
    extends: '../../tsconfig.check.json',
    compilerOptions: options,
    include: ['*/*.ts'],
  }
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(project))
  writeShim(home)
  const dispose = (): void => rmSync(home, { recursive: true, force: true })
  return { home, pages: plans, folderOf, [Symbol.dispose]: dispose }
}

function planNamed(path: string, markdown: string): Plan {
  try {
    return planPage(markdown)
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

function writeShim(home: string): void {
  mkdirSync(join(home, 'bin'), { recursive: true })
  const shim = join(home, 'bin/tidings')
  writeFileSync(
    shim,
    `#!/bin/sh\nexec "${process.execPath}" ${CONDITION} "${join(root, 'packages/cli/src/main.ts')}" "$@"\n`,
  )
  chmodSync(shim, 0o755)
}

interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** The compiler's complaints about the pages; those about the rest of the repository are the build's. */
export async function checkTypes({ home }: Workbench): Promise<readonly string[]> {
  const { stdout, stderr } = await execute(
    join(root, 'node_modules/.bin/tsc'),
    ['-p', join(home, 'tsconfig.json'), '--pretty', 'false'],
    { cwd: root, home },
  )
  const own = `${relative(root, home)}/`
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line.startsWith(own))
  return lines.map((line) => line.slice(own.length))
}

/** Runs every step of a page; throws at the first one that does not do what the page says. */
export async function runPage(path: string, bench: Workbench): Promise<number> {
  const plan = bench.pages.get(path)
  if (plan === undefined) throw new Error(`${path} is no page`)
  const folder = bench.folderOf(path)
  const names = new Set(plan.modules.keys())
  if (plan.after !== undefined) {
    const from = bench.folderOf(plan.after)
    cpSync(from, folder, {
      recursive: true,
      filter: (file) => file === from || !names.has(file.slice(from.length + 1)),
    })
  }
  const database = plan.postgres ? await createDatabase('docs') : undefined
  try {
    const place = { cwd: folder, home: bench.home, databaseUrl: database?.url }
    for (const step of plan.steps) await runStep(step, path, place)
  } finally {
    await database?.drop()
  }
  return plan.steps.length
}

async function runStep(step: Step, path: string, place: Place): Promise<void> {
  const folder = place.cwd
  const where = `${path}:${step.line}`
  if (step.kind === 'write') return
  if (step.kind === 'sql') {
    using database = new DatabaseSync(join(folder, step.database), { readOnly: true })
    for (const statement of step.text.split(';'))
      if (statement.trim() !== '') database.prepare(statement).all()
    return
  }
  if (step.kind === 'module') {
    // Without the blocks that are only checked.
    writeFileSync(join(folder, MODULE), step.text)
    const ran = await execute(process.execPath, [CONDITION, MODULE], place)
    requireExit(where, ran, 0)
    requireOutputs(path, ran.stdout, step.outputs)
    return
  }
  const ran = await execute('/bin/bash', ['-o', 'pipefail', '-c', step.command], place)
  requireExit(`${where} (${step.command})`, ran, step.exitCode)
  requireOutputs(path, ran.stdout + ran.stderr, step.outputs)
}

function requireExit(where: string, { exitCode, stdout, stderr }: Ran, wanted: number): void {
  if (exitCode === wanted) return
  throw new Error(`${where}: exits ${exitCode}, not ${wanted}\n${stdout}${stderr}`)
}

function requireOutputs(path: string, printed: string, outputs: readonly Expected[]): void {
  for (const { text, line } of outputs) {
    const missing = missingLine(printed, text)
    if (missing === undefined) continue
    throw new Error(
      `${path}:${line}: this line is not printed: ${missing}\nWhat is printed:\n${printed}`,
    )
  }
}

interface Place {
  readonly cwd: string
  readonly home: string
  readonly databaseUrl?: string | undefined
}

function execute(
  file: string,
  args: readonly string[],
  { cwd, home, databaseUrl }: Place,
): Promise<Ran> {
  const { TIDINGS_STORE: _, NODE_OPTIONS: __, ...inherited } = process.env
  const path = [join(home, 'bin'), join(root, 'node_modules/.bin'), inherited['PATH']].join(
    delimiter,
  )
  const env = {
    ...inherited,
    PATH: path,
    LC_ALL: 'C.UTF-8',
    NO_COLOR: '1',
    ...(databaseUrl === undefined ? undefined : { DATABASE_URL: databaseUrl }),
  }
  return new Promise((resolve) => {
    const options = {
      cwd,
      env,
      maxBuffer: 64 * 1024 * 1024,
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    } as const
    execFile(file, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      const killed = error?.killed === true ? `(killed after ${LIMIT_MS} ms)\n` : ''
      resolve({ exitCode: typeof code === 'number' ? code : 1, stdout, stderr: stderr + killed })
    })
  })
}
