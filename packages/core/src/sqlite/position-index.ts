import type { EventFilter } from '../store/store.ts'
import type { Cell, Connection } from './connection.ts'
import type { ReadSide } from './reader.ts'

/** Positions from `low` to `high`, both inclusive. */
export interface PositionRange {
  readonly low: number
  readonly high: number
}

/** Positions of a chunk of `event_chunks`. */
const CHUNK = 1024

/** Chunks whose ranges are looked at in one go. */
const CHUNKS = 64

/** How far the indexes by type, tenant and time are filled. What is read after it is at least so far. */
export function readMark(connection: Connection): number {
  const row = connection.rows("select position from index_mark where name = 'events'").get()
  return (row?.[0] as number | undefined) ?? 0
}

interface PositionSearch {
  readonly range: PositionRange
  readonly reverse: boolean
  readonly limit: number
}

function direction(reverse: boolean): string {
  return reverse ? ' desc' : ''
}

/** The next positions of a tenant's events, up to the mark. */
export function positionsOfTenant(
  connection: Connection,
  { tenant, range, reverse, limit }: PositionSearch & { readonly tenant: string },
): readonly number[] {
  const sql = `select position from event_tenant_index where tenant = ? and position between ? and ? order by position${direction(reverse)} limit ?`
  return connection.rows(sql).all(tenant, range.low, range.high, limit).map(firstNumber)
}

/** The next positions of any of these types, up to the mark: their entries are merged, not sorted. */
export function positionsOfTypes(
  connection: Connection,
  { types, range, reverse, limit }: PositionSearch & { readonly types: readonly number[] },
): readonly number[] {
  const part =
    'select position from event_type_index where event_type = ? and position between ? and ?'
  const sql = `${types.map(() => part).join(' union all ')} order by 1${direction(reverse)} limit ?`
  const values = types.flatMap((type) => [type, range.low, range.high])
  return connection
    .rows(sql)
    .all(...values, limit)
    .map(firstNumber)
}

/**
 * The types that events of this filter can have, by the combinations that occur up to the mark.
 *
 * @param types those that the filter itself names
 * @returns undefined when it can be any
 */
export function candidateTypes(
  { connection, names }: ReadSide,
  { aggregateType, topic, class: kind, eventVersion }: EventFilter,
  types: readonly number[] | undefined,
): readonly number[] | undefined {
  const conditions: string[] = []
  const values: Cell[] = []
  const add = (condition: string, value: Cell): void => {
    conditions.push(condition)
    values.push(value)
  }
  if (aggregateType !== undefined) add('aggregate_type = ?', aggregateType)
  if (topic !== undefined) add('topic = ?', names.topics.find(topic) ?? -1)
  if (kind !== undefined) add('class = ?', kind === 'work' ? 'w' : 'f')
  if (eventVersion !== undefined) add('event_version = ?', eventVersion)
  if (conditions.length === 0) return types
  const sql = `select distinct event_type from event_kinds where ${conditions.join(' and ')}`
  const occurring = connection
    .rows(sql)
    .all(...values)
    .map(firstNumber)
  if (types !== undefined) return occurring.filter((type) => types.includes(type))
  return occurring.length === names.eventTypes.all().size ? undefined : occurring
}

interface ChunkSearch {
  readonly within: PositionRange
  readonly reverse: boolean
  readonly types: readonly number[] | undefined
  readonly sinceMs: number
  readonly untilMs: number
}

/** The next run of positions in whose chunks there are events of that time (and those types). */
export function nextChunks(connection: Connection, search: ChunkSearch): PositionRange | undefined {
  const { within, reverse, types, sinceMs, untilMs } = search
  const ofTypes = types === undefined ? '' : ' and event_type in (select value from json_each(?))'
  const sql = `select distinct chunk from event_chunks where chunk between ? and ? and occurred_max >= ? and occurred_min < ?${ofTypes} order by chunk${direction(reverse)} limit ${CHUNKS}`
  const values: Cell[] = [
    Math.floor(within.low / CHUNK),
    Math.floor(within.high / CHUNK),
    Math.max(sinceMs, Number.MIN_SAFE_INTEGER),
    Math.min(untilMs, Number.MAX_SAFE_INTEGER),
  ]
  if (types !== undefined) values.push(JSON.stringify(types))
  const chunks = connection
    .rows(sql)
    .all(...values)
    .map(firstNumber)
  const [start] = chunks
  if (start === undefined) return undefined
  const step = reverse ? -1 : 1
  let run = 1
  while (chunks[run] === start + run * step) run++
  const end = start + (run - 1) * step
  return {
    low: Math.max(within.low, Math.min(start, end) * CHUNK),
    high: Math.min(within.high, (Math.max(start, end) + 1) * CHUNK - 1),
  }
}

function firstNumber(row: readonly Cell[]): number {
  return row[0] as number
}
