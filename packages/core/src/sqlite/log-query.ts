import { setImmediate as nextTurn } from 'node:timers/promises'

import { makeEventReader, requireWhole, type EventPage } from '../store/event-reader.ts'
import type { EventFilter, EventReader, LogReadOptions } from '../store/store.ts'
import type { Cell } from './connection.ts'
import { EVENT_COLUMNS, toEnvelope } from './event-row.ts'
import { compileFilter, conditionsOf, type CompiledFilter, type Conditions } from './filter-sql.ts'
import { readHead } from './log-watch.ts'
import {
  candidateTypes,
  nextChunks,
  positionsOfTenant,
  positionsOfTypes,
  readMark,
  type PositionRange,
} from './position-index.ts'
import type { ReadSide } from './reader.ts'

/** Positions looked at in one go where each row has to be looked at: some 50 ms. */
const SCAN = 65_536

/** Types that are merged from their index entries; with more of them the log itself is walked. */
const MERGED_TYPES = 100

/** Where a reading is: everything before (or, backwards, behind) it has been looked at. */
interface Cursor {
  readonly reverse: boolean
  /** The next position to look at. */
  next: number
  /** The version to go on from, in a reading of one stream. */
  version: number | undefined
}

interface Found {
  readonly rows: readonly Cell[][]
  /** All of the range was looked at. */
  readonly done: boolean
  /** Where it stopped, if not. */
  readonly last: number
}

/**
 * The events that match, in order of position. Each page is led to by one index (stream, correlation,
 * tenant, type, time), the rest of the filter is looked at in the rows; nothing is sorted.
 *
 * @throws {UsageError} a time or number that is none
 */
export function queryPages(
  open: () => Promise<ReadSide>,
  filter: EventFilter,
  { after, reverse = false, payloadsAsText = false, ...options }: LogReadOptions = {},
): EventReader {
  if (after !== undefined) requireWhole('after', after, 0)
  const compiled = compileFilter(filter)
  const next = reverse ? (after ?? Infinity) - 1 : (after ?? 0) + 1
  const cursor: Cursor = { reverse, next, version: undefined }
  let scanned = false
  return makeEventReader(async (_last, size) => {
    const side = await open()
    // Pages without a match follow each other; others must have their turn between them.
    if (scanned) await nextTurn()
    const page = await side.read(() => readPage(side, compiled, { cursor, size, payloadsAsText }))
    scanned = page.events.length < size
    return page
  }, options)
}

interface Step {
  readonly cursor: Cursor
  readonly size: number
  readonly payloadsAsText: boolean
}

const NOTHING: EventPage = Object.freeze({ events: [], more: false })

function readPage(
  side: ReadSide,
  compiled: CompiledFilter,
  { cursor, size, payloadsAsText }: Step,
): EventPage {
  const head = readHead(side)
  const limits = cursor.reverse
    ? { low: 1, high: Math.min(cursor.next, head) }
    : { low: cursor.next, high: head }
  if (limits.low > limits.high) return NOTHING
  const step = chooseStep(side, compiled, { limits, cursor })
  if (step === undefined) return NOTHING
  const found = step.read(size)
  const events = found.rows.map((row) => toEnvelope(row, side.names, payloadsAsText))
  cursor.version = events.at(-1)?.streamVersion ?? cursor.version
  if (cursor.reverse) cursor.next = (found.done ? step.range.low : found.last) - 1
  else cursor.next = (found.done ? step.range.high : found.last) + 1
  return { events, more: cursor.reverse ? cursor.next >= limits.low : cursor.next <= limits.high }
}

interface ChosenStep {
  readonly range: PositionRange
  read(size: number): Found
}

interface Place {
  readonly limits: PositionRange
  readonly cursor: Cursor
}

/** The index that leads to the next events, and how far. Undefined: there are no more. */
function chooseStep(
  side: ReadSide,
  compiled: CompiledFilter,
  { limits, cursor }: Place,
): ChosenStep | undefined {
  const { filter } = compiled
  const types = compiled.typesOf(side.names)
  const rest = types?.length === 0 ? undefined : conditionsOf(compiled, side.names, types)
  if (rest === undefined) return undefined
  const byKey = (key: KeyColumn, value: string): ChosenStep => ({
    range: limits,
    read: (size) => readByKey(side, { key, value, rest, range: limits, cursor, size }),
  })
  if (filter.stream !== undefined) return byKey('stream', filter.stream)
  if (filter.correlationId !== undefined) return byKey('correlation', filter.correlationId)
  if (rest.sql.length === 0) return scanStep(side, { range: limits, rest, cursor })
  return indexedStep(side, compiled, { limits, cursor, rest, types })
}

interface IndexedPlace extends Place {
  readonly rest: Conditions
  readonly types: readonly number[] | undefined
}

/** Up to the mark there are indexes by tenant, type and time; beyond it the log is walked. */
function indexedStep(
  side: ReadSide,
  compiled: CompiledFilter,
  { limits, cursor, rest, types }: IndexedPlace,
): ChosenStep | undefined {
  const mark = readMark(side.connection)
  const beyond = { low: Math.max(limits.low, mark + 1), high: limits.high }
  const within = { low: limits.low, high: Math.min(limits.high, mark) }
  const isBeyond = beyond.low <= beyond.high && (cursor.reverse || within.low > within.high)
  if (isBeyond) return scanStep(side, { range: beyond, rest, cursor })
  const merged = candidateTypes(side, compiled.filter, types)
  if (merged?.length === 0) return emptyStep(within)
  const times = { sinceMs: compiled.sinceMs, untilMs: compiled.untilMs }
  const chunked = times.sinceMs !== -Infinity || times.untilMs !== Infinity
  const range = chunked
    ? nextChunks(side.connection, { within, reverse: cursor.reverse, types: merged, ...times })
    : within
  if (range === undefined) return emptyStep(within)
  const { reverse } = cursor
  const { tenant } = compiled.filter
  if (tenant !== undefined) {
    return positionsStep(side, { range, rest, reverse }, (limit) =>
      positionsOfTenant(side.connection, { tenant, range, reverse, limit }),
    )
  }
  if (merged === undefined || merged.length > MERGED_TYPES) {
    return scanStep(side, { range, rest, cursor })
  }
  return positionsStep(side, { range, rest, reverse }, (limit) =>
    positionsOfTypes(side.connection, { types: merged, range, reverse, limit }),
  )
}

function emptyStep(range: PositionRange): ChosenStep {
  return { range, read: () => ({ rows: [], done: true, last: 0 }) }
}

interface ScanPlace {
  readonly range: PositionRange
  readonly rest: Conditions
  readonly cursor: Cursor
}

/** Walks the log itself; not too far in one go, where rows have to be looked at. */
function scanStep(side: ReadSide, { range, rest, cursor }: ScanPlace): ChosenStep {
  const reach = rest.sql.length === 0 ? Number.MAX_SAFE_INTEGER : SCAN
  const part = cursor.reverse
    ? { low: Math.max(range.low, range.high - reach), high: range.high }
    : { low: range.low, high: Math.min(range.high, range.low + reach) }
  return {
    range: part,
    read(size) {
      const sql = select(['e.position between ? and ?', ...rest.sql], 'e.position', cursor.reverse)
      const rows = side.connection.rows(sql).all(part.low, part.high, ...rest.values, size)
      return found(rows, size)
    },
  }
}

type KeyColumn = 'stream' | 'correlation'

interface KeyRead {
  readonly key: KeyColumn
  readonly value: string
  readonly rest: Conditions
  readonly range: PositionRange
  readonly cursor: Cursor
  readonly size: number
}

/** Within a stream versions rise with positions, and they are what its index goes on from. */
function readByKey(side: ReadSide, { key, value, rest, range, cursor, size }: KeyRead): Found {
  const { reverse, version } = cursor
  const conditions = ['e.position between ? and ?', ...rest.sql]
  const values: Cell[] = [range.low, range.high, ...rest.values]
  if (key === 'stream') {
    conditions.unshift('e.stream = ?', reverse ? 'e.version < ?' : 'e.version > ?')
    values.unshift(value, version ?? (reverse ? Number.MAX_SAFE_INTEGER : 0))
  } else {
    conditions.unshift('e.correlation_id = ?')
    values.unshift(value)
  }
  const order = key === 'stream' ? 'e.version' : 'e.position'
  const rows = side.connection.rows(select(conditions, order, reverse)).all(...values, size)
  return found(rows, size)
}

interface PositionsPlace {
  readonly range: PositionRange
  readonly rest: Conditions
  readonly reverse: boolean
}

/** Positions from an index first, then their rows: an index joined to the log is planned the other way round. */
function positionsStep(
  side: ReadSide,
  { range, rest, reverse }: PositionsPlace,
  positionsUpTo: (limit: number) => readonly number[],
): ChosenStep {
  return {
    range,
    read(size) {
      const positions = positionsUpTo(size)
      const conditions = ['e.position in (select value from json_each(?))', ...rest.sql]
      const sql = select(conditions, 'e.position', reverse)
      const values = [JSON.stringify(positions), ...rest.values, size]
      const rows = positions.length === 0 ? [] : side.connection.rows(sql).all(...values)
      return { rows, done: positions.length < size, last: positions.at(-1) ?? 0 }
    },
  }
}

function found(rows: readonly Cell[][], size: number): Found {
  return { rows, done: rows.length < size, last: (rows.at(-1)?.[0] as number | undefined) ?? 0 }
}

function select(conditions: readonly string[], order: string, reverse: boolean): string {
  return `select ${EVENT_COLUMNS} from event_log e where ${conditions.join(' and ')} order by ${order}${reverse ? ' desc' : ''} limit ?`
}
