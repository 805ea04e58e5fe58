import { resolve } from 'node:path'

import { UsageError } from '../errors/usage-errors.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import type { Random } from '../internal/backoff.ts'

/**
 * What a power failure may cost.
 *
 * - `full`: nothing that was acknowledged. Each commit waits for the disk.
 * - `normal`: the last commits, never a damaged file. About four times as many appends a second for
 *   a caller who waits for each.
 *
 * The death of the process alone costs nothing with either.
 */
export type Synchronous = 'full' | 'normal'

/** Where a write to the log is. For tests that stop a process in the middle of one. */
export type AppendStep =
  | 'begin'
  | 'checked'
  | 'inserted'
  | 'before-commit'
  | 'after-commit'
  | 'acknowledged'

export interface SqliteOptions {
  /** Path of the database file; relative to the working directory of the process. */
  readonly file: string
  /** `full` by default. */
  readonly synchronous?: Synchronous | undefined
  /** How long a write waits for another process that holds the file: milliseconds, 5000 by default. */
  readonly busyLimitMs?: number | undefined
  /** Refuse to make the file when it is not there. */
  readonly mustExist?: boolean | undefined
  /** Upper limit of the file, in pages of 4096 bytes. None by default: then the disk is the limit. */
  readonly maxPages?: number | undefined
  /**
   * Events that may be in the log and not yet in the indexes by type, tenant and time; readers scan
   * these. 4000 by default: 1 to 2 ms for a reader that finds nothing in them.
   */
  readonly maxUnindexed?: number | undefined
  /**
   * Bytes of pages that the writing connection keeps in memory at the most; the reading one keeps half
   * as many. 64 MiB by default; a smaller one costs the more, the larger the log and its indexes are.
   */
  readonly cacheBytes?: number | undefined
  readonly clock?: Clock | undefined
  /** Chances for the waiting between attempts on a busy file. */
  readonly random?: Random | undefined
  /**
   * A hook for tests: called at each step of a write to the log, inside it, so that what it throws, or
   * a SIGKILL that it sends, strikes there. Without it nothing is called.
   */
  readonly onStep?: ((step: AppendStep) => void) | undefined
}

export interface SqliteSettings extends SqliteOptions {
  readonly synchronous: Synchronous
  readonly busyLimitMs: number
  readonly mustExist: boolean
  readonly maxUnindexed: number
  readonly cacheBytes: number
  readonly clock: Clock
  readonly random: Random
  /** For messages. */
  readonly location: string
}

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024

/** @throws {UsageError} an option that cannot be */
export function readOptions(given: string | SqliteOptions): SqliteSettings {
  const options = typeof given === 'string' ? { file: given } : given
  checkFile(options.file)
  checkSynchronous(options.synchronous)
  checkWhole('busyLimitMs', options.busyLimitMs, 0)
  checkWhole('maxPages', options.maxPages, 1)
  checkWhole('maxUnindexed', options.maxUnindexed, 1)
  checkWhole('cacheBytes', options.cacheBytes, 65_536)
  return {
    ...options,
    // A later change of the working directory must not lead to another file.
    file: resolve(options.file),
    synchronous: options.synchronous ?? 'full',
    busyLimitMs: options.busyLimitMs ?? 5000,
    mustExist: options.mustExist ?? false,
    maxUnindexed: options.maxUnindexed ?? 4000,
    cacheBytes: options.cacheBytes ?? DEFAULT_CACHE_BYTES,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    location: `sqlite:${options.file}`,
  }
}

function checkFile(file: unknown): void {
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw invalid(`'file' is the path of a file; got ${JSON.stringify(file)}`)
  }
  if (file.startsWith(':') || file.startsWith('file:')) {
    throw invalid(
      `'file' is the path of a file, because readers have connections of their own; got '${file}'. For a log in memory use memory()`,
    )
  }
}

function checkSynchronous(value: unknown): void {
  if (value === undefined || value === 'full' || value === 'normal') return
  throw invalid(`'synchronous' is 'full' or 'normal'; got ${JSON.stringify(value)}`)
}

function checkWhole(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return
  throw invalid(`'${name}' is a whole number from ${least} up; got ${value}`)
}

function invalid(problem: string): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `sqlite(): ${problem}. Nothing was opened. Correct the call.`,
  )
}
