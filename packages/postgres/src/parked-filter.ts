import type { ParkedEvent, ParkedFilter } from 'tidings'

import { inUtc } from './cells.ts'
import { Conditions } from './conditions.ts'

/** As it stands in the partial indexes: only with these words is one of them taken. */
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
export function parkedConditions(filter: ParkedFilter): Conditions {
  const where = new Conditions()
  for (const [field, column] of Object.entries(exact)) {
    const value = filter[field as keyof typeof exact]
    if (value !== undefined) where.add(`${column} = ?`, value)
  }
  if (filter.ids !== undefined) where.add('parked_id = any(?::text[])', filter.ids)
  if (filter.reasons !== undefined) where.add('reason = any(?::text[])', filter.reasons)
  if (filter.states !== undefined) addStates(where, filter.states)
  if (filter.since !== undefined) {
    where.add('parked_at >= ?::timestamptz', inUtc('since', filter.since))
  }
  if (filter.until !== undefined) {
    where.add('parked_at < ?::timestamptz', inUtc('until', filter.until))
  }
  return where
}

const groups = [
  { members: ['parked', 'redriving'], words: UNFINISHED },
  { members: ['resolved', 'discarded'], words: FINISHED },
]

function addStates(where: Conditions, states: NonNullable<ParkedFilter['states']>): void {
  const group = groups.find(({ members }) => states.every((state) => members.includes(state)))
  if (group !== undefined) where.add(group.words)
  where.add('state = any(?::text[])', states)
}

/** Behind the last one of a page. What the filter holds fixed is left out: so the index leads there at once. */
export function addAfter(
  where: Conditions,
  { subscription, generation }: ParkedFilter,
  after: ParkedEvent,
): void {
  const place: [column: string, value: unknown][] = [
    ['subscription', after.subscription],
    ['generation', after.generation],
    ['sequence', after.sequence],
    ['parked_id', after.parkedId],
  ]
  if (subscription === after.subscription) place.shift()
  if (subscription === after.subscription && generation === after.generation) place.shift()
  const columns = place.map(([column]) => column).join(', ')
  const marks = place.map(() => '?').join(', ')
  where.add(`(${columns}) > (${marks})`, ...place.map(([, value]) => value))
}
