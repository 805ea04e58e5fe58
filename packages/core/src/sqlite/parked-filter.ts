import { requireTime } from '../store/check-arguments.ts'
import type { ParkedEvent, ParkedFilter, ParkedState } from '../store/parked-store.ts'
import { inList, type Condition } from './conditions.ts'
import type { Cell } from './connection.ts'

/** As it stands in the partial indexes: SQLite takes one of these only for the very same words. */
export const UNFINISHED = "state in ('parked', 'redriving')"
export const FINISHED = "state in ('resolved', 'discarded')"

const exact = {
  subscription: 'subscription',
  generation: 'generation',
  key: 'key',
  eventType: 'event_type',
  fingerprint: 'fingerprint',
  operationId: 'operation_id',
} as const

/**
 * The conditions of a filter on `parked`.
 *
 * @throws {UsageError} a time that is none
 */
export function parkedConditions(filter: ParkedFilter): Condition[] {
  const conditions: Condition[] = []
  for (const [field, column] of Object.entries(exact)) {
    const value = filter[field as keyof typeof exact]
    if (value !== undefined) conditions.push([`${column} = ?`, value])
  }
  if (filter.ids !== undefined) conditions.push(inList('parked_id', filter.ids))
  if (filter.reasons !== undefined) conditions.push(inList('reason', filter.reasons))
  if (filter.states !== undefined) conditions.push(...stateConditions(filter.states))
  if (filter.since !== undefined) {
    conditions.push(['parked_at >= ?', requireTime('since', filter.since)])
  }
  if (filter.until !== undefined) {
    conditions.push(['parked_at < ?', requireTime('until', filter.until)])
  }
  return conditions
}

const groups: readonly (readonly [states: readonly ParkedState[], words: string])[] = [
  [['parked', 'redriving'], UNFINISHED],
  [['resolved', 'discarded'], FINISHED],
]

function stateConditions(states: readonly ParkedState[]): Condition[] {
  const wanted = new Set(states)
  const group = groups.find(
    ([members]) => wanted.size > 0 && states.every((state) => members.includes(state)),
  )
  if (group === undefined) return [inList('state', states)]
  const [members, words] = group
  // All of it: then the index alone answers how many there are.
  return wanted.size === members.length ? [[words]] : [[words], inList('state', states)]
}

/** Behind the last one of a page. What the filter holds fixed is left out: so the index leads there at once. */
export function afterCondition(
  { subscription, generation }: ParkedFilter,
  after: ParkedEvent,
): Condition {
  const place: [column: string, value: Cell][] = [
    ['subscription', after.subscription],
    ['generation', after.generation],
    ['sequence', after.sequence],
    ['parked_id', after.parkedId],
  ]
  if (subscription === after.subscription) place.shift()
  if (subscription === after.subscription && generation === after.generation) place.shift()
  const columns = place.map(([column]) => column).join(', ')
  return [`(${columns}) > (${place.map(() => '?').join(', ')})`, ...place.map(([, value]) => value)]
}
