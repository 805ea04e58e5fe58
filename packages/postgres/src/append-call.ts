import { toIsoTime, type AppendResult, type StreamAppend } from 'tidings'
import type { PlacedEvents } from 'tidings/store'

import { encodeCall, encodePlain } from './append-columns.ts'
import type { AppendRequest } from './append-request.ts'
import type { Names, NameTables } from './names.ts'
import type { PostgresSettings } from './options.ts'
import type { Row, Session } from './session.ts'

/** What the database says to one request. */
export type Verdict =
  | { readonly kind: 'written'; readonly results: readonly AppendResult[] }
  | Refused

/** Ids, command or version speak against it; which of them, the ids decide. Nothing was written. */
export interface Refused {
  readonly kind: 'refused'
  /** The command is recorded already. */
  readonly taken: boolean
  /** The version of each stream. */
  readonly found: readonly number[]
  /** None of its events is in the log: versions are all that can speak against it. */
  readonly isNew?: boolean
}

/** What the database says to all of them. */
export interface Answer {
  readonly verdicts: readonly Verdict[]
  /** The last position of the log before. */
  readonly behind: number
}

/**
 * Appends what several callers want in one statement, which is a transaction of its own unless the session
 * is in one. The streams, and the commands, of all requests must differ.
 *
 * @param strict look up every id, so that one that is there already is an answer and no error
 */
export async function appendRequests(
  session: Session,
  requests: readonly AppendRequest[],
  { settings, names, strict }: AppendParts,
): Promise<Answer> {
  const now = settings.now === undefined ? null : toIsoTime(settings.now())
  if (requests.every(isPlain)) {
    const values = [strict, ...encodePlain(requests, names, now)]
    const [row] = await session.rows(settings.appendPlainSql, values)
    if (row === undefined) throw new Error('append_plain gave no answer.')
    return readPlain(requests, row)
  }
  const values = [strict, ...encodeCall(requests, names, now)]
  const rows = await session.rows(settings.appendBatchSql, values)
  return {
    verdicts: readVerdicts(requests, rows),
    behind: (rows[0]?.[7] ?? 0) as number,
  }
}

function isPlain({ appends, command }: AppendRequest): boolean {
  return appends.length === 1 && command === undefined
}

export interface AppendParts {
  readonly settings: PostgresSettings
  readonly names: NameTables
  readonly strict: boolean
}

/** Gives every name in the requests its number, before anything is locked. */
export async function learnNames(
  requests: readonly AppendRequest[],
  names: NameTables,
): Promise<void> {
  const missing = new Map<Names, Set<string>>()
  const meet = (table: Names, name: string | undefined): void => {
    if (name === undefined || table.idOf(name) !== undefined) return
    const known = missing.get(table)
    if (known === undefined) missing.set(table, new Set([name]))
    else known.add(name)
  }
  for (const { appends, command } of requests) {
    meet(names.commandTypes, command?.type)
    for (const { events } of appends) {
      for (const { envelope, topic, schemaHash } of events) {
        meet(names.eventTypes, envelope.eventType)
        meet(names.topics, topic)
        meet(names.schemaHashes, schemaHash)
      }
    }
  }
  for (const [table, unknown] of missing) await table.learn(unknown)
}

/** Rows come in order of entry; those of commands without events have a negative one, and come first. */
function readVerdicts(
  requests: readonly AppendRequest[],
  rows: readonly Row[],
): readonly Verdict[] {
  const alone = new Map<number, boolean>()
  const entries: Row[] = []
  for (const row of rows) {
    if ((row[0] as number) < 0) alone.set(-(row[0] as number), row[5] as boolean)
    else entries.push(row)
  }
  let next = 0
  return requests.map(({ appends }, index) => {
    const own = entries.slice(next, next + appends.length)
    next += appends.length
    return readVerdict(appends, own, alone.get(index + 1) ?? false)
  })
}

function readVerdict(
  appends: readonly StreamAppend[],
  rows: readonly Row[],
  taken: boolean,
): Verdict {
  const refused = taken || rows.some((row) => row[2] === null)
  if (refused) {
    return {
      kind: 'refused',
      taken: taken || rows.some((row) => row[5] === true),
      found: rows.map((row) => row[1] as number),
    }
  }
  return { kind: 'written', results: appends.map((append, index) => toResult(append, rows[index])) }
}

/** The positions of one stream follow each other: nobody else takes any under the lock. */
function toResult({ stream, events }: StreamAppend, row: Row | undefined): AppendResult {
  if (row === undefined) throw new Error(`append_batch said nothing of '${stream}'.`)
  const last = row[3] as number
  return {
    stream,
    version: row[2] as number,
    positions: events.map((_, index) => last - events.length + 1 + index),
    recordedAt: toIsoTime(Math.round(row[6] as number)),
    repeated: false,
  }
}

/** How much less the outcome of an entry is whose first id is not in the log. */
const IS_NEW = 2 ** 32

/** The requests are of one stream each: versions that were found, -1 less them where refused, joined by commas. */
function readPlain(requests: readonly AppendRequest[], row: Row): Answer {
  const [outcomes, behind, firstPosition, atMs] = row as readonly [string, number, number, number]
  const recordedAt = toIsoTime(Math.round(atMs))
  const versions = outcomes.split(',')
  let position = firstPosition
  const verdicts = requests.map(({ appends }, index): Verdict => {
    const { stream, events } = appends[0] as StreamAppend
    const version = Number(versions[index])
    if (version < 0) {
      const isFirstNew = version < -IS_NEW
      const found = [-1 - version - (isFirstNew ? IS_NEW : 0)]
      return { kind: 'refused', taken: false, found, isNew: isFirstNew && events.length === 1 }
    }
    const positions = events.map(() => position++)
    const result = {
      stream,
      version: version + events.length,
      positions,
      recordedAt,
      repeated: false,
    }
    return { kind: 'written', results: [result] }
  })
  return { verdicts, behind }
}

/** Notes what got its place, for those who hear of commits. */
export function placeWritten(
  placed: PlacedEvents,
  requests: readonly AppendRequest[],
  verdicts: readonly Verdict[],
): void {
  for (const [index, verdict] of verdicts.entries()) {
    if (verdict.kind !== 'written') continue
    const { appends } = requests[index] as AppendRequest
    for (const [at, { version, positions, recordedAt }] of verdict.results.entries()) {
      const { events } = appends[at] as StreamAppend
      placed.add({ events, from: version - events.length, positions, recordedAt })
    }
  }
}
