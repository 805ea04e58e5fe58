import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const main = join(import.meta.dirname, '../../src/main.ts')

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  /** Leaves stdin open, for `onStart` to write to. */
  readonly keepOpen?: boolean
  /** Sees the child as soon as it runs: to kill it, to close its pipes. */
  readonly onStart?: (child: ChildProcess) => void
}

/** Runs the command line from its sources, as a process of its own. */
export function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return runNode(['--conditions=@tidings/source', main, ...args], options)
}

/** Runs Node with these arguments; English and without colours unless `env` says otherwise. */
export async function runNode(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const {
    TIDINGS_STORE: _,
    LC_ALL: _all,
    LC_MESSAGES: _messages,
    FORCE_COLOR: _colour,
    ...inherited
  } = process.env
  const child = spawn(process.execPath, args, {
    cwd: options.cwd,
    env: { ...inherited, LANG: 'C.UTF-8', NODE_OPTIONS: '', ...options.env },
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  // A child that ends before it has read everything closes the pipe: its answer is what is looked at.
  child.stdin.on('error', () => undefined)
  if (options.keepOpen !== true) child.stdin.end(options.input ?? '')
  options.onStart?.(child)
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject).on('close', resolve)
  return { code: await promise, ...output }
}

/** A folder of this test alone, gone when it ends. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Lets modules in a folder import what this repository has installed, `tidings` and zod among them. */
export function linkPackages(folder: string): void {
  symlinkSync(join(import.meta.dirname, '../../../../node_modules'), join(folder, 'node_modules'))
}

/** NDJSON as values. */
export function parseLines<Value = Record<string, unknown>>(text: string): Value[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Value)
}
