import type { SealedEvent, Envelope } from 'tidings/contract'
import { canonicalJson, streamName } from 'tidings/contract'
import type { StreamAppend } from 'tidings'
import type { Line } from './split-lines.ts'

/** A line that passed its checks. */
export interface Candidate {
  readonly line: Line
  readonly event: SealedEvent
}

/**
 * Groups events into appends so that positions follow the order of the file. An append holds each
 * stream once, so a new one begins where a stream comes back after another: `A A B A` becomes
 * `[A A, B]`, `[A]`.
 */
export function groupIntoAppends(
  events: readonly SealedEvent[],
): readonly (readonly StreamAppend[])[] {
  const groups: Run[][] = []
  let group: Run[] = []
  let inGroup = new Set<string>()
  for (const event of events) {
    const stream = streamName(event.envelope.aggregateType, event.envelope.aggregateId)
    const last = group.at(-1)
    if (last?.stream === stream) {
      last.events.push(event)
      continue
    }
    if (group.length === 0 || inGroup.has(stream)) {
      group = []
      inGroup = new Set()
      groups.push(group)
    }
    group.push({ stream, expectedVersion: 'any', events: [event] })
    inGroup.add(stream)
  }
  return groups
}

interface Run extends StreamAppend {
  readonly events: SealedEvent[]
}

/** Members of an envelope that must agree for two events to be the same one. */
const COMPARED = [
  'eventType',
  'eventVersion',
  'timestamp',
  'aggregateType',
  'aggregateId',
  'correlationId',
  'causationId',
] as const

/**
 * Where two events with one id differ, as a JSON pointer on the wire; undefined where they are the
 * same. Where the log has them does not count, nor does the order of an object's members.
 */
export function findDifference(stored: Envelope, incoming: Envelope): string | undefined {
  const field = COMPARED.find((name) => stored[name] !== incoming[name])
  if (field !== undefined)
    return `/${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
  if (canonicalJson(stored.payload) !== canonicalJson(incoming.payload)) return '/payload'
  return canonicalJson(stored.metadata) === canonicalJson(incoming.metadata)
    ? undefined
    : '/metadata'
}
