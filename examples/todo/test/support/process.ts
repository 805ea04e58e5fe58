import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export const ROOT: string = join(import.meta.dirname, '../../../..')
const MAIN = join(ROOT, 'examples/todo/src/main.ts')

export interface RunningProcess {
  readonly child: ChildProcess
  /** What it has printed so far, on both outputs. */
  output(): string
  /** Resolves when it has printed something that matches. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** A folder of its own, which is gone when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-todo-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a program; it does not outlive the test. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Record<string, string> },
): RunningProcess {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, PORT: '', TIDINGS_STORE: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const look of watchers) look()
    })
  }
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => {
    for (const look of watchers) look()
    return (code ?? signal) as number | NodeJS.Signals
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  const printed = (pattern: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(output)
        const isOver = child.exitCode !== null || child.signalCode !== null
        if (match === null && !isOver) return
        watchers.delete(look)
        if (match === null) reject(new Error(`It ended without printing ${pattern}:\n${output}`))
        else resolve(match)
      }
      watchers.add(look)
      look()
    })
  return { child, output: () => output, printed, ended }
}

/** Starts the service as `npm start` does. */
export function runMain(args: readonly string[], cwd: string): RunningProcess {
  return run(process.execPath, ['--conditions=@tidings/source', MAIN, ...args], { cwd })
}

/** Starts the service on a free port and waits until it answers. @param store its log, where that is not its own */
export async function runService(
  cwd: string,
  store?: string,
): Promise<RunningProcess & { readonly url: string }> {
  const service = runMain(['--port', '0', ...(store === undefined ? [] : ['--store', store])], cwd)
  const [, url = ''] = await service.printed(/answers on (http:\S+)[^]*Ctrl-C stops/)
  return { ...service, url }
}
