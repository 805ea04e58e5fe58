import { toIsoTime } from '../../internal/time.ts'
import type { VersionRange } from '../retention-store.ts'
import type { LogCatalog, LogFault, LogStats, StreamSummary, TypeSummary } from '../store.ts'
import { compareText } from './compare-text.ts'
import type { LogRecord, MemoryLog } from './memory-log.ts'

/** What is in a log in memory. */
export function memoryCatalog(log: MemoryLog, requireOpen: () => void): LogCatalog {
  return {
    async types() {
      requireOpen()
      return summariseTypes(log.records)
    },
    async streams({ after, prefix = '', limit } = {}) {
      requireOpen()
      const names = [...log.streams.keys()].filter(
        (name) => name.startsWith(prefix) && (after === undefined || compareText(name, after) > 0),
      )
      names.sort(compareText)
      return names.slice(0, limit).map((name) => summariseStream(name, log.streams.get(name) ?? []))
    },
    async stats() {
      requireOpen()
      return summariseLog(log)
    },
    async *verify({ signal } = {}) {
      requireOpen()
      signal?.throwIfAborted()
      yield* findFaults(log.records, log.removed)
    },
  }
}

function summariseTypes(records: readonly LogRecord[]): TypeSummary[] {
  const byType = new Map<
    string,
    { count: number; firstMs: number; lastMs: number; versions: Set<number> }
  >()
  for (const { sealed } of records) {
    const { eventType, eventVersion } = sealed.envelope
    let summary = byType.get(eventType)
    if (summary === undefined) {
      summary = { count: 0, firstMs: sealed.timeMs, lastMs: sealed.timeMs, versions: new Set() }
      byType.set(eventType, summary)
    }
    summary.count++
    summary.firstMs = Math.min(summary.firstMs, sealed.timeMs)
    summary.lastMs = Math.max(summary.lastMs, sealed.timeMs)
    summary.versions.add(eventVersion)
  }
  const rows = [...byType].sort(([a], [b]) => compareText(a, b))
  return rows.map(([eventType, { count, firstMs, lastMs, versions }]) => ({
    eventType,
    count,
    firstSeen: toIsoTime(firstMs),
    lastSeen: toIsoTime(lastMs),
    versions: [...versions].sort((a, b) => a - b),
  }))
}

function summariseStream(stream: string, records: readonly LogRecord[]): StreamSummary {
  const first = records[0]?.sealed.timeMs ?? 0
  const last = records.at(-1)?.sealed.timeMs ?? 0
  const version = records.at(-1)?.version ?? 0
  return { stream, version, firstSeen: toIsoTime(first), lastSeen: toIsoTime(last) }
}

function summariseLog(log: MemoryLog): LogStats {
  return {
    events: log.records.length,
    streams: new Set([...log.streams.keys(), ...log.removed.keys()]).size,
    types: new Set(log.records.map((record) => record.sealed.envelope.eventType)).size,
    commands: log.commands.size,
    head: log.head,
    firstRecordedAt: log.records[0]?.recordedAt,
    lastRecordedAt: log.records.at(-1)?.recordedAt,
    bytes: undefined,
  }
}

/** The log against its own promises. They can only be broken by a fault of this adapter. */
export function* findFaults(
  records: readonly LogRecord[],
  removed: ReadonlyMap<string, readonly VersionRange[]> = new Map(),
): Generator<LogFault> {
  const versions = new Map<string, number>()
  const ids = new Set<string>()
  let before: LogRecord | undefined
  for (const record of records) {
    const { position, stream, version, recordedAt } = record
    const { eventId } = record.sealed.envelope
    let expected = (versions.get(stream) ?? 0) + 1
    for (const { first, last } of removed.get(stream) ?? []) {
      if (first <= expected && expected <= last) expected = last + 1
    }
    const fault = (code: LogFault['code'], message: string): LogFault => ({
      code,
      message,
      position,
      stream,
    })
    if (before !== undefined && position <= before.position) {
      yield fault('position-order', `Position ${position} comes after ${before.position}.`)
    }
    if (before !== undefined && recordedAt < before.recordedAt) {
      yield fault('recorded-order', `Recorded at ${recordedAt}, after one of ${before.recordedAt}.`)
    }
    if (version !== expected)
      yield fault('version-gap', `Version ${version} is where ${expected} must be.`)
    if (ids.has(eventId)) yield fault('duplicate-id', `Event id ${eventId} is there twice.`)
    versions.set(stream, version)
    ids.add(eventId)
    before = record
  }
}
