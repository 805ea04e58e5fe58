import { toIsoTime } from '../../internal/time.ts'
import { requireLimit } from '../check-arguments.ts'
import { checkErasure, limitRetention, type RetentionLimit } from '../retention-limit.ts'
import type { ErasureRecord, RetentionChoice, RetentionStore } from '../retention-store.ts'
import type { Access } from './access.ts'
import { eraseFrom, findErasable, type RetentionTables } from './memory-erasure.ts'
import { envelopeOf, type LogRecord } from './memory-log.ts'
import { isUnfinished } from './parked-rows.ts'

export function memoryRetention(tables: RetentionTables, access: Access): RetentionStore {
  const { log } = tables
  const erasures = new Map<string, ErasureRecord>()
  return {
    async due(choice, { after = 0, limit }) {
      access.read()
      requireLimit(limit)
      const mayGo = decideOn(tables, choice)
      const due = log.records.filter(
        (record) => record.position > after && mayGo(record, (other) => mayGo(other, () => true)),
      )
      return due.slice(0, limit).map(envelopeOf)
    },
    remove: (choice, events) =>
      access.write(() => {
        const mayGo = decideOn(tables, choice)
        const named = new Set(events.map(({ position, eventId }) => `${position} ${eventId}`))
        const isNamed = ({ position, sealed }: LogRecord): boolean =>
          named.has(`${position} ${sealed.envelope.eventId}`)
        const goes = (record: LogRecord): boolean =>
          isNamed(record) && mayGo(record, (other) => isNamed(other) && mayGo(other, () => true))
        const gone = new Set(log.records.filter(goes))
        log.remove(gone)
        return gone.size
      }),
    async removed(stream) {
      access.read()
      return log.removed.get(stream) ?? []
    },
    async deleted() {
      access.read()
      return { ...log.deleted }
    },
    erase: (request) =>
      access.write(() => {
        checkErasure(request)
        const before = erasures.get(request.erasureId)
        if (before !== undefined) return before
        const { erasureId, requestedBy, reason, streams = [], eventIds = [] } = request
        const record: ErasureRecord = Object.freeze({
          erasureId,
          request: { streams: [...streams], eventIds: [...eventIds] },
          requestedBy,
          reason,
          erasedAt: toIsoTime(access.now()),
          counts: eraseFrom(tables, findErasable(tables, request)),
        })
        erasures.set(erasureId, record)
        return record
      }),
    async planErasure(request) {
      access.read()
      checkErasure(request)
      return findErasable(tables, request).counts
    },
    async erasures() {
      access.read()
      return [...erasures.values()]
    },
  }
}

/** @param goes what also goes: the last of a stream may only follow all that are before it */
type MayGo = (record: LogRecord, goes: (other: LogRecord) => boolean) => boolean

function decideOn({ log, delivery }: RetentionTables, choice: RetentionChoice): MayGo {
  const limit = limitRetention(
    {
      subscriptions: [...delivery.subscriptions.values()].map(({ record }) => record),
      operations: [...delivery.operations.values()].filter(
        ({ state }) => state === 'requested' || state === 'running',
      ),
      head: log.head,
    },
    choice,
  )
  const parked = new Set(
    [...delivery.parked.all()].filter(isUnfinished).map(({ position }) => position),
  )
  const isDue = (record: LogRecord): boolean =>
    isWithin(record, limit) && !parked.has(record.position)
  const streams = choice.streams && new Set(choice.streams)
  const ofStream = (record: LogRecord): readonly LogRecord[] => log.streams.get(record.stream) ?? []
  const isChosen = (record: LogRecord): boolean =>
    streams === undefined
      ? record.sealed.class === 'work' && isDue(record)
      : streams.has(record.stream) && ofStream(record).every(isDue)
  return (record, goes) => {
    if (!isChosen(record)) return false
    const records = ofStream(record)
    return records.at(-1) !== record || records.slice(0, -1).every(goes)
  }
}

function isWithin({ position, recordedAt, sealed }: LogRecord, limit: RetentionLimit): boolean {
  return (
    position <= limit.upTo &&
    Date.parse(recordedAt) < limit.beforeMs &&
    (limit.sent || sealed.topic === undefined)
  )
}
