import { UsageError } from '../errors/usage-errors.ts'
import { toMs, type Duration } from '../internal/duration.ts'
import type { EventArchive } from './archive-folder.ts'

/**
 * How long what is finished is kept, counted from its end; `Infinity`: for ever. What is not finished
 * is never forgotten.
 */
export interface RetentionOptions {
  /** Parked events that were resolved or discarded; `90d` by default. */
  readonly parked?: Duration
  /** Operations that have ended: who asked for what, and what became of it; `365d` by default. */
  readonly operations?: Duration
  /** Timers that have fired or were cancelled, counted from when they were due; `30d` by default. */
  readonly timers?: Duration
  /**
   * Messages from elsewhere that were received: one that comes again after that has its effect again;
   * `30d` by default.
   */
  readonly inbox?: Duration
  /** Of a source that needs another time. */
  readonly inboxOf?: Readonly<Record<string, Duration>>
  /**
   * Events of class `work` (tasks are), counted from when the store took them, and never before every
   * subscription has passed them; `Infinity` by default: nothing is deleted unless it is asked for. Facts are kept.
   */
  readonly work?: Duration
  /** Outcomes of commands: one that is sent again after that is handled again; `Infinity` by default. */
  readonly commands?: Duration
  /** Where work is written before it is deleted: `archiveFolder('./archive')`; nowhere by default. */
  readonly archive?: EventArchive
  /** Whether work with a topic is deleted although no relay ever ran; false by default. */
  readonly unsent?: boolean
  /** How often it is looked; `1h` by default. */
  readonly every?: Duration
}

/** The same, in milliseconds. */
export interface Retention {
  readonly parkedMs: number
  readonly operationsMs: number
  readonly timersMs: number
  readonly inboxMs: number
  readonly inboxOfMs: ReadonlyMap<string, number>
  readonly workMs: number
  readonly commandsMs: number
  readonly archive: EventArchive | undefined
  readonly unsent: boolean
  readonly everyMs: number
}

/** @throws {UsageError} what is no duration */
export function readRetention(options: RetentionOptions = {}): Retention {
  const { parked = '90d', operations = '365d', timers = '30d', inbox = '30d' } = options
  const { inboxOf = {}, every = '1h' } = options
  const { work = Infinity, commands = Infinity, archive, unsent = false } = options
  return {
    parkedMs: requireKept('parked', parked),
    operationsMs: requireKept('operations', operations),
    timersMs: requireKept('timers', timers),
    inboxMs: requireKept('inbox', inbox),
    inboxOfMs: new Map(
      Object.entries(inboxOf).map(([name, kept]) => [name, requireKept(`inboxOf.${name}`, kept)]),
    ),
    workMs: requireKept('work', work),
    commandsMs: requireKept('commands', commands),
    archive,
    unsent,
    everyMs: requireEvery(every),
  }
}

function requireKept(option: string, duration: Duration): number {
  const ms = duration === Number.POSITIVE_INFINITY ? duration : toMs(duration)
  if (ms !== undefined) return ms
  throw refusal(option, "from 0 up, a text such as '12h' or '90d', or Infinity", duration)
}

function requireEvery(duration: Duration): number {
  const ms = toMs(duration)
  if (ms !== undefined && ms >= 1000) return ms
  throw refusal('every', "from 1000 up, or a text such as '10m' or '1h'", duration)
}

function refusal(option: string, what: string, got: Duration): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `delivery.retention.${option} is a number of milliseconds ${what}; got ${String(got)}.`,
  )
}
