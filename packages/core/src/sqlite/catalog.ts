import { statSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { toIsoTime } from '../internal/time.ts'
import type { LogCatalog, LogFault, LogStats, StreamSummary, TypeSummary } from '../store/store.ts'
import { inSnapshot, type Cell } from './connection.ts'
import { readHead } from './log-watch.ts'
import type { SqliteSettings } from './options.ts'
import { readMark } from './position-index.ts'
import type { ReadSide } from './reader.ts'

/** What is in the log, from the indexes behind the mark and the few events beyond it. */
export function makeCatalog(open: () => Promise<ReadSide>, settings: SqliteSettings): LogCatalog {
  return {
    async types() {
      const side = await open()
      return side.read(() => readTypes(side))
    },
    async streams(options = {}) {
      return readStreams(await open(), options)
    },
    async stats() {
      const side = await open()
      return side.read(() => readStats(side, settings))
    },
    verify: (options = {}) => verify(open, options.signal),
  }
}

/** Its code is loaded by who asks for it: few do. */
async function* verify(
  open: () => Promise<ReadSide>,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogFault, void, void> {
  const { verifyLog } = await import('./verify.ts')
  yield* verifyLog(open, signal)
}

const TYPES = `
select t.name, sum(n), min(low), max(high) from (
  select event_type, sum(events) as n, min(occurred_min) as low, max(occurred_max) as high
  from event_chunks group by event_type
  union all
  select event_type, count(*), min(occurred_at), max(occurred_at)
  from event_log where position > ? group by event_type
) join event_types t on t.id = event_type
group by event_type order by t.name`

const VERSIONS = `
select name, event_version from (
  select event_type, event_version from event_kinds
  union
  select event_type, event_version from event_log where position > ?
) join event_types t on t.id = event_type
order by name, event_version`

/** In one snapshot: the filler moves events from one half of it to the other meanwhile. */
function readTypes({ connection }: ReadSide): readonly TypeSummary[] {
  return inSnapshot(connection, () => {
    const mark = readMark(connection)
    const versions = new Map<string, number[]>()
    for (const [name, version] of connection.rows(VERSIONS).all(mark)) {
      const known = versions.get(name as string)
      if (known === undefined) versions.set(name as string, [version as number])
      else known.push(version as number)
    }
    return connection
      .rows(TYPES)
      .all(mark)
      .map((row) => toTypeSummary(row, versions))
  })
}

function toTypeSummary(
  row: readonly Cell[],
  versions: ReadonlyMap<string, readonly number[]>,
): TypeSummary {
  const eventType = row[0] as string
  return {
    eventType,
    count: row[1] as number,
    firstSeen: toIsoTime(row[2] as number),
    lastSeen: toIsoTime(row[3] as number),
    versions: versions.get(eventType) ?? [],
  }
}

interface StreamsOptions {
  readonly after?: string | undefined
  readonly prefix?: string | undefined
  readonly limit?: number | undefined
}

/** Streams looked up before others have their turn. */
const STREAMS = 1000

/** From one stream to the next by the index: its other entries are not looked at. */
async function readStreams(
  side: ReadSide,
  { after, prefix = '', limit = Infinity }: StreamsOptions,
): Promise<readonly StreamSummary[]> {
  const streams: StreamSummary[] = []
  let last = after === undefined || isBefore(after, prefix) ? undefined : after
  for (;;) {
    const wanted = Math.min(STREAMS, limit - streams.length)
    const part = await side.read(() => readSomeStreams(side, { last, prefix, wanted }))
    streams.push(...part)
    if (part.length < wanted || streams.length >= limit) return streams
    last = part.at(-1)?.stream
    await nextTurn()
  }
}

/** In the order of the index: by the bytes of UTF-8. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
}

interface StreamsPart {
  readonly last: string | undefined
  readonly prefix: string
  readonly wanted: number
}

const NEXT_STREAM = 'select stream from event_log where stream > ? order by stream limit 1'
const FROM_STREAM = 'select stream from event_log where stream >= ? order by stream limit 1'
const FIRST = 'select occurred_at from event_log where stream = ? order by version limit 1'
const LAST =
  'select version, occurred_at from event_log where stream = ? order by version desc limit 1'

function readSomeStreams(
  { connection }: ReadSide,
  { last, prefix, wanted }: StreamsPart,
): readonly StreamSummary[] {
  const streams: StreamSummary[] = []
  for (let before = last; streams.length < wanted;) {
    const sql = before === undefined ? FROM_STREAM : NEXT_STREAM
    const stream = connection.rows(sql).get(before ?? prefix)?.[0] as string | undefined
    if (stream === undefined || !stream.startsWith(prefix)) break
    const [version, lastAt] = connection.rows(LAST).get(stream) as [number, number]
    const [firstAt] = connection.rows(FIRST).get(stream) as [number]
    streams.push({
      stream,
      version,
      firstSeen: toIsoTime(firstAt),
      lastSeen: toIsoTime(lastAt),
    })
    before = stream
  }
  return streams
}

const COUNTS = `
select coalesce(sum(n), 0), coalesce(sum(s), 0), count(distinct t) from (
  select event_type as t, sum(events) as n, sum(starts) as s from event_chunks group by event_type
  union all
  select event_type, count(*), sum(version = 1) from event_log where position > ? group by event_type
)`

function readStats(side: ReadSide, { file }: SqliteSettings): LogStats {
  const { connection } = side
  return inSnapshot(connection, () => {
    const [events, streams, types] = connection.rows(COUNTS).get(readMark(connection)) as number[]
    const recorded = (order: 'asc' | 'desc'): string | undefined => {
      const sql = `select recorded_at from event_log order by position ${order} limit 1`
      const row = connection.rows(sql).get()
      return row && toIsoTime(row[0] as number)
    }
    // Those whose first event was deleted: where they begin is counted nowhere else.
    const emptied = connection
      .rows('select count(*) from archived_streams where first_version = 1')
      .get()?.[0] as number
    return {
      events: events ?? 0,
      streams: (streams ?? 0) + emptied,
      types: types ?? 0,
      commands: connection.rows('select count(*) from commands').get()?.[0] as number,
      head: readHead(side),
      firstRecordedAt: recorded('asc'),
      lastRecordedAt: recorded('desc'),
      bytes: sizeOf(file) + sizeOf(`${file}-wal`),
    }
  })
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
