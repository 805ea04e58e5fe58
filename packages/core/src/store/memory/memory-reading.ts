import { compileGlob } from '../../contract/glob.ts'
import { requireTime } from '../check-arguments.ts'
import { makeEventReader, requireWhole } from '../event-reader.ts'
import type { EventFilter, EventReader, ReadOptions, ReadStreamOptions } from '../store.ts'
import { envelopeOf, type LogRecord } from './memory-log.ts'

/** A stream to read: one that is there, or one as a transaction sees it. */
export interface StreamSource {
  /** Waits until it may be read, or throws. */
  enter(): Promise<void>
  length(): number
  at(version: number): LogRecord | undefined
}

/** @throws {UsageError} options that no stream can be read with */
export function readStreamRecords(
  source: StreamSource,
  { from = 1, to, reverse = false, ...options }: ReadStreamOptions = {},
): EventReader {
  requireWhole('from', from, 1)
  if (to !== undefined) requireWhole('to', to, 0)
  let next: number | undefined
  return makeEventReader(async (_last, size) => {
    await source.enter()
    const end = Math.min(to ?? Number.POSITIVE_INFINITY, source.length())
    next ??= reverse ? end : from
    const step = reverse ? -1 : 1
    const events = []
    for (; next >= from && next <= end && events.length < size; next += step) {
      const record = source.at(next)
      if (record !== undefined) events.push(envelopeOf(record))
    }
    return { events, more: next >= from && next <= end }
  }, options)
}

/** Records in order of position: all of the log, or one stream of it. */
export interface RecordSource {
  /** @throws when they can no longer be read */
  enter(): void
  records(): readonly LogRecord[]
}

/** Records looked at in one go before others have their turn: some 5 ms. */
const SCAN = 50_000

/** @throws {UsageError} options that no log can be read with */
export function readRecords(
  source: RecordSource,
  matches: ((record: LogRecord) => boolean) | undefined,
  { after, reverse = false, ...options }: ReadOptions = {},
): EventReader {
  if (after !== undefined) requireWhole('after', after, 0)
  let cursor = after
  return makeEventReader((_last, size) => {
    source.enter()
    const records = source.records()
    const step = reverse ? -1 : 1
    // Found anew for each page: positions stay where they are, whatever is appended meanwhile.
    let index = reverse
      ? firstFrom(records, cursor ?? Infinity) - 1
      : firstFrom(records, (cursor ?? 0) + 1)
    const events = []
    let looked = 0
    for (; events.length < size && looked < SCAN; looked++, index += step) {
      const record = records[index]
      if (record === undefined) return { events, more: false }
      cursor = record.position
      if (matches === undefined || matches(record)) events.push(envelopeOf(record))
    }
    return { events, more: records[index] !== undefined }
  }, options)
}

/** Index of the first record at or behind a position. */
function firstFrom(records: readonly LogRecord[], position: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle]?.position ?? Infinity) < position) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * A filter as a function.
 *
 * @throws {UsageError} a time that is none
 */
export function compileFilter(filter: EventFilter): (record: LogRecord) => boolean {
  const tests = [
    matchType(filter.types),
    matchEnvelope('aggregateType', filter.aggregateType),
    matchEnvelope('correlationId', filter.correlationId),
    matchEnvelope('eventVersion', filter.eventVersion),
    matchSealed('class', filter.class),
    matchSealed('topic', filter.topic),
    matchTenant(filter.tenant),
    matchTime(filter),
  ].filter((test) => test !== undefined)
  return (record) => tests.every((test) => test(record))
}

type RecordTest = ((record: LogRecord) => boolean) | undefined

function matchType(types: readonly string[] | undefined): RecordTest {
  if (types === undefined) return undefined
  const globs = types.map((type) => compileGlob(type))
  const known = new Map<string, boolean>()
  return ({ sealed: { envelope } }) => {
    const { eventType } = envelope
    const before = known.get(eventType)
    if (before !== undefined) return before
    const matches = globs.some((glob) => glob(eventType))
    known.set(eventType, matches)
    return matches
  }
}

function matchEnvelope<Field extends 'aggregateType' | 'correlationId' | 'eventVersion'>(
  field: Field,
  wanted: LogRecord['sealed']['envelope'][Field] | undefined,
): RecordTest {
  return wanted === undefined ? undefined : ({ sealed }) => sealed.envelope[field] === wanted
}

function matchSealed(field: 'class' | 'topic', wanted: string | undefined): RecordTest {
  return wanted === undefined ? undefined : ({ sealed }) => sealed[field] === wanted
}

function matchTenant(wanted: string | undefined): RecordTest {
  return wanted === undefined
    ? undefined
    : (record) => envelopeOf(record).metadata.tenant === wanted
}

function matchTime({ since, until }: EventFilter): RecordTest {
  if (since === undefined && until === undefined) return undefined
  const fromMs = since === undefined ? Number.NEGATIVE_INFINITY : requireTime('since', since)
  const beforeMs = until === undefined ? Number.POSITIVE_INFINITY : requireTime('until', until)
  return ({ sealed: { timeMs } }) => timeMs >= fromMs && timeMs < beforeMs
}
