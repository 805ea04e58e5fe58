import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bench, Measurement, Setting, Variant } from './bench.ts'
import { benchFolder } from './catalog.ts'
import type { Order, Report } from './child.ts'
import { orderOf } from './statistics.ts'

export interface SuiteOptions {
  readonly rounds: number
  readonly warmups: number
  readonly scale: number
  /** Names of variants that cannot run here. */
  readonly left: ReadonlySet<string>
  /** Where the variants' folders go; `.results` beside the benches by default, never a RAM disk. */
  readonly folder?: string
  /** What runs a variant; `child.ts` by default, or a bundle of it. */
  readonly program?: string
  readonly onProgress?: (line: string) => void
}

export interface SuiteResult {
  readonly rounds: ReadonlyMap<string, readonly Measurement[]>
  /** Variant → why it gave no figures. */
  readonly failures: ReadonlyMap<string, string>
}

export const childFile: string = fileURLToPath(new URL('child.ts', import.meta.url))

/** A variant's process, kept alive from the first round to the last. */
class VariantProcess {
  readonly variant: Variant
  readonly #child: ChildProcess
  #stderr = ''

  constructor(
    bench: Bench,
    variant: Variant,
    { folder, shared, scale, program }: Setting & { readonly program: string },
  ) {
    this.variant = variant
    this.#child = fork(program, [bench.name, variant.name, folder, shared, String(scale)], {
      execArgv: [
        '--conditions=@tidings/source',
        '--expose-gc',
        '--disable-warning=ExperimentalWarning',
      ],
      env: { ...process.env, NODE_ENV: 'production', ...variant.env },
      // A peer may print; what it prints is no part of the table.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
  }

  /** @throws when the process fails or ends instead of answering. */
  async next(): Promise<Measurement | undefined> {
    const abort = new AbortController()
    try {
      const message = once(this.#child, 'message', { signal: abort.signal })
      const exit = once(this.#child, 'exit', { signal: abort.signal }).then(([code, signal]) => {
        throw new Error(`ended with ${String(code ?? signal)}: ${this.#stderr.trim().slice(-2000)}`)
      })
      exit.catch(() => undefined)
      const [report] = (await Promise.race([message, exit])) as [Report]
      if (report.kind === 'failed') throw new Error(report.message)
      return report.kind === 'measured' ? report.measurement : undefined
    } finally {
      abort.abort()
    }
  }

  send(order: Order): void {
    this.#child.send(order)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    if (this.#child.connected) this.send('stop')
    await exit
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** Runs the rounds of a bench: every variant once a round, one at a time, in a changing order. */
export async function runSuite(bench: Bench, options: SuiteOptions): Promise<SuiteResult> {
  const parent = options.folder ?? join(benchFolder, '.results')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'run-'))
  const suite = new Suite(bench, options, folder)
  try {
    await suite.start()
    for (let round = 0; round < options.warmups + options.rounds; round++) await suite.round(round)
    await suite.stop()
    return suite.result()
  } finally {
    suite.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

class Suite {
  readonly #bench: Bench
  readonly #options: SuiteOptions
  readonly #folder: string
  readonly #processes: VariantProcess[] = []
  readonly #rounds = new Map<string, Measurement[]>()
  readonly #failures = new Map<string, string>()
  readonly #folders = new Map<string, string>()
  #lastRoundMs: number | undefined

  constructor(bench: Bench, options: SuiteOptions, folder: string) {
    this.#bench = bench
    this.#options = options
    this.#folder = folder
  }

  async start(): Promise<void> {
    const { scale, program = childFile } = this.#options
    const shared = join(this.#folder, 'shared')
    mkdirSync(shared)
    await this.#bench.seed?.({ shared, scale })
    const chosen = this.#bench.variants.filter(({ name }) => !this.#options.left.has(name))
    for (const [index, variant] of chosen.entries()) {
      const folder = join(this.#folder, String(index))
      mkdirSync(folder)
      this.#folders.set(variant.name, folder)
      this.#options.onProgress?.(`starting ${variant.name}`)
      const child = new VariantProcess(this.#bench, variant, { folder, shared, scale, program })
      this.#processes.push(child)
      // One after the other: a start that seeds a database must not disturb another's.
      await this.#guard(child, () => child.next())
    }
  }

  async round(round: number): Promise<void> {
    const { warmups } = this.#options
    this.#options.onProgress?.(this.#describe(round))
    const startMs = performance.now()
    for (const child of orderOf(this.#processes, round)) {
      if (this.#failures.has(child.variant.name)) continue
      const measured = await this.#guard(child, () => {
        child.send('sample')
        return child.next()
      })
      if (measured === undefined || round < warmups) continue
      const known = this.#rounds.get(child.variant.name) ?? []
      known.push(measured)
      this.#rounds.set(child.variant.name, known)
    }
    this.#lastRoundMs = performance.now() - startMs
  }

  /** Which round begins, and how long the rest takes if all are like the last one. */
  #describe(round: number): string {
    const { warmups, rounds } = this.#options
    const name =
      round < warmups
        ? `warm-up ${round + 1} of ${warmups}`
        : `round ${round - warmups + 1} of ${rounds}`
    if (this.#lastRoundMs === undefined) return name
    const leftMs = (warmups + rounds - round) * this.#lastRoundMs
    return `${name} (about ${Math.ceil(leftMs / 1000)} s left)`
  }

  async stop(): Promise<void> {
    for (const child of this.#processes) await child.stop()
    this.#compareFigures()
    for (const failed of this.#failures.keys()) this.#folders.delete(failed)
    await this.#bench.verify?.(this.#folders)
  }

  #compareFigures(): void {
    const figure = this.#bench.agreeOn
    if (figure === undefined) return
    const same = this.#bench.variants.filter(({ otherWork }) => otherWork !== true)
    const seen = new Set(
      same.flatMap(({ name }) =>
        (this.#rounds.get(name) ?? []).map(({ figures }) => figures[figure]),
      ),
    )
    if (seen.size <= 1 && !seen.has(undefined)) return
    throw new Error(
      `${this.#bench.name}: the variants differ in '${figure}': ${[...seen].join(', ')}`,
    )
  }

  result(): SuiteResult {
    return { rounds: this.#rounds, failures: this.#failures }
  }

  kill(): void {
    for (const child of this.#processes) child.kill()
  }

  async #guard(
    child: VariantProcess,
    work: () => Promise<Measurement | undefined>,
  ): Promise<Measurement | undefined> {
    try {
      return await work()
    } catch (error) {
      this.#failures.set(child.variant.name, error instanceof Error ? error.message : String(error))
      this.#rounds.delete(child.variant.name)
      child.kill()
      return undefined
    }
  }
}
