import { requireLimit, requireTime } from '../check-arguments.ts'
import { requireWhole } from '../event-reader.ts'
import { lastError } from '../last-error.ts'
import type {
  ParkedEvent,
  ParkedFilter,
  ParkedGroup,
  ParkedKey,
  ParkedStore,
} from '../parked-store.ts'
import type { Access } from './access.ts'
import { compareText } from './compare-text.ts'
import { jsonCopy } from './json-copy.ts'
import { byOrder, isUnfinished, type ParkedRows } from './parked-rows.ts'

/** What the table keeps of a parked event: nothing that the caller could change later. */
export function copyParked(event: ParkedEvent): ParkedEvent {
  return Object.freeze({
    ...event,
    attempts: jsonCopy(event.attempts),
    history: jsonCopy(event.history),
    bytes: event.bytes && new Uint8Array(event.bytes),
  })
}

/** For whoever reads: bytes cannot be frozen. */
function handOut(event: ParkedEvent): ParkedEvent {
  return event.bytes === undefined
    ? event
    : Object.freeze({ ...event, bytes: new Uint8Array(event.bytes) })
}

export function memoryParked(rows: ParkedRows, access: Access): ParkedStore {
  const matching = (filter: ParkedFilter): ParkedEvent[] => {
    access.read()
    return [...rows.all()].filter(compileParkedFilter(filter))
  }
  return {
    async find(parkedId) {
      access.read()
      const event = rows.find(parkedId)
      return event && handOut(event)
    },
    async list(filter, { after, limit } = {}) {
      if (limit !== undefined) requireWhole('limit', limit, 0)
      const matches = matching(filter).filter(
        (event) => after === undefined || byOrder(event, after) > 0,
      )
      return matches.sort(byOrder).slice(0, limit).map(handOut)
    },
    async count(filter) {
      return matching(filter).length
    },
    async groups(filter) {
      return groupByError(matching({ subscription: filter.subscription }).filter(isUnfinished))
    },
    async keys(subscription, generation) {
      access.read()
      const keys = rows.keys(subscription, generation)
      return summariseKeys(keys.map((key) => rows.ofKey(subscription, generation, key)))
    },
    async head(subscription, generation, key) {
      access.read()
      const [head] = rows.ofKey(subscription, generation, key)
      return head && handOut(head)
    },
    sweep: (finishedBefore, limit) =>
      access.write(() => {
        requireLimit(limit)
        const beforeMs = requireTime('finishedBefore', finishedBefore)
        const old = [...rows.all()].filter(
          (event) => !isUnfinished(event) && Date.parse(event.changedAt) < beforeMs,
        )
        const swept = old.slice(0, limit)
        for (const { parkedId } of swept) rows.remove(parkedId)
        return swept.length
      }),
  }
}

/** @throws {UsageError} a time that is none */
function compileParkedFilter(filter: ParkedFilter): (event: ParkedEvent) => boolean {
  const { ids, states, reasons, since, until, ...exact } = filter
  const wanted = Object.entries(exact).filter(([, value]) => value !== undefined)
  const idSet = ids && new Set(ids)
  const sinceMs = since === undefined ? -Infinity : requireTime('since', since)
  const untilMs = until === undefined ? Infinity : requireTime('until', until)
  return (event) => {
    const parkedMs = Date.parse(event.parkedAt)
    return (
      wanted.every(([field, value]) => event[field as keyof typeof exact] === value) &&
      (idSet === undefined || idSet.has(event.parkedId)) &&
      (states === undefined || states.includes(event.state)) &&
      (reasons === undefined || reasons.includes(event.reason)) &&
      parkedMs >= sinceMs &&
      parkedMs < untilMs
    )
  }
}

function groupByError(events: readonly ParkedEvent[]): ParkedGroup[] {
  const thrown = events.filter(({ fingerprint }) => fingerprint !== undefined)
  const bySameError = Map.groupBy(thrown, ({ subscription, fingerprint }) =>
    JSON.stringify([subscription, fingerprint]),
  )
  const groups = Array.from(bySameError.values(), summariseGroup)
  return groups.sort(
    (a, b) =>
      b.count - a.count ||
      compareText(a.subscription, b.subscription) ||
      compareText(a.fingerprint, b.fingerprint),
  )
}

/** The last one parked stands for all: its stack is that of the newest code. */
function summariseGroup(events: readonly ParkedEvent[]): ParkedGroup {
  const byTime = events.toSorted(
    (a, b) => compareText(a.parkedAt, b.parkedAt) || compareText(a.parkedId, b.parkedId),
  )
  const [first, last] = [byTime[0], byTime.at(-1)] as [ParkedEvent, ParkedEvent]
  return {
    subscription: last.subscription,
    fingerprint: last.fingerprint ?? '',
    eventType: last.eventType,
    count: events.length,
    sampleId: last.parkedId,
    error: lastError(last.attempts),
    firstParkedAt: first.parkedAt,
    lastParkedAt: last.parkedAt,
  }
}

function summariseKeys(keys: readonly (readonly ParkedEvent[])[]): ParkedKey[] {
  const heads = keys.flatMap((events) =>
    events[0] === undefined ? [] : [{ head: events[0], count: events.length }],
  )
  heads.sort((a, b) => byOrder(a.head, b.head))
  return heads.map(({ head: { key, parkedId, sequence, state, dueAt, reason }, count }) => ({
    key,
    count,
    head: { parkedId, sequence, state, dueAt, reason },
  }))
}
