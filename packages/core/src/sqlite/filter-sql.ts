import { compileGlob } from '../contract/glob.ts'
import { requireTime } from '../store/check-arguments.ts'
import type { EventFilter } from '../store/store.ts'
import type { Cell } from './connection.ts'
import type { NameTables } from './names.ts'

/** Conditions on a row of `event_log e`, with their values. */
export interface Conditions {
  readonly sql: readonly string[]
  readonly values: readonly Cell[]
}

export interface CompiledFilter {
  readonly filter: EventFilter
  /** Milliseconds; infinite where the filter names none. */
  readonly sinceMs: number
  readonly untilMs: number
  /** The types that the names and globs mean now; undefined where the filter names none. */
  typesOf(names: NameTables): readonly number[] | undefined
}

/** @throws {UsageError} a time that is none */
export function compileFilter(filter: EventFilter): CompiledFilter {
  return {
    filter,
    sinceMs: filter.since === undefined ? -Infinity : requireTime('since', filter.since),
    untilMs: filter.until === undefined ? Infinity : requireTime('until', filter.until),
    typesOf: rememberTypes(filter.types),
  }
}

/** Each name is held against the globs once, also when there are thousands of pages. */
function rememberTypes(types: readonly string[] | undefined): CompiledFilter['typesOf'] {
  if (types === undefined) return () => undefined
  const globs = types.map((type) => compileGlob(type))
  const matching: number[] = []
  let looked = 0
  return ({ eventTypes }) => {
    const all = eventTypes.all()
    for (const [id, name] of all) {
      if (id <= looked || !globs.some((glob) => glob(name))) continue
      matching.push(id)
    }
    looked = Math.max(looked, all.size)
    return matching
  }
}

/**
 * What a row must be, apart from its position and from what the index that leads to it has ensured.
 *
 * @returns undefined when no row can be it: a name that the log does not have
 */
export function conditionsOf(
  { filter, sinceMs, untilMs }: CompiledFilter,
  names: NameTables,
  types: readonly number[] | undefined,
): Conditions | undefined {
  const sql: string[] = []
  const values: Cell[] = []
  const add = (condition: string, ...parameters: Cell[]): void => {
    sql.push(condition)
    values.push(...parameters)
  }
  if (types !== undefined) {
    add('e.event_type in (select value from json_each(?))', JSON.stringify(types))
  }
  if (filter.topic !== undefined) {
    const topic = names.topics.find(filter.topic)
    if (topic === undefined) return undefined
    add('e.topic = ?', topic)
  }
  // A stream leads to the rows by its own index, a correlation id by its: together, only the first does.
  if (filter.stream !== undefined && filter.correlationId !== undefined) {
    add('+e.correlation_id = ?', filter.correlationId)
  }
  if (filter.aggregateType !== undefined) {
    // '0' is the character after '/'. The + keeps SQLite from walking the index by stream for it.
    add('+e.stream >= ? and +e.stream < ?', `${filter.aggregateType}/`, `${filter.aggregateType}0`)
  }
  if (filter.tenant !== undefined) add('e.tenant = ?', filter.tenant)
  if (filter.eventVersion !== undefined) add('e.event_version = ?', filter.eventVersion)
  if (filter.class !== undefined) add('e.class = ?', filter.class === 'work' ? 'w' : 'f')
  if (sinceMs !== -Infinity) add('e.occurred_at >= ?', sinceMs)
  if (untilMs !== Infinity) add('e.occurred_at < ?', untilMs)
  return { sql, values }
}
