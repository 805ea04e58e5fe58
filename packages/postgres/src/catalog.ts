import type { LogCatalog, LogStats, StreamSummary, TypeSummary } from 'tidings'
import { requireLimit } from 'tidings/store'

import { optionalTime, timeOf } from './cells.ts'
import { msOf } from './event-row.ts'
import type { ReadSide } from './reader.ts'
import { verifyLog } from './verify.ts'

/** What is in the log. Types and counts walk through all of it: a second for some millions of events. */
export function makeCatalog(open: () => Promise<ReadSide>): LogCatalog {
  return {
    types: async () => readTypes(await open()),
    streams: async (options = {}) => readStreams(await open(), options),
    stats: async () => readStats(await open()),
    verify: (options = {}) => verifyLog(open, options.signal),
  }
}

async function readTypes({ schema, rows }: ReadSide): Promise<readonly TypeSummary[]> {
  const found = await rows(
    `select t.name, g.n, ${msOf('g.low')}, ${msOf('g.high')}, g.versions from (
       select event_type, count(*) as n, min(occurred_at) as low, max(occurred_at) as high,
         array_to_json(array_agg(distinct event_version order by event_version)) as versions
       from ${schema}.event_log group by event_type) g
     join ${schema}.event_types t on t.id = g.event_type order by t.name`,
    [],
  )
  return found.map((row) => ({
    eventType: row[0] as string,
    count: row[1] as number,
    firstSeen: timeOf(row[2]),
    lastSeen: timeOf(row[3]),
    versions: JSON.parse(row[4] as string) as number[],
  }))
}

interface StreamsOptions {
  readonly after?: string | undefined
  readonly prefix?: string | undefined
  readonly limit?: number | undefined
}

/** From one stream to the next by the index: its other entries are not looked at. */
async function readStreams(
  { schema, rows }: ReadSide,
  { after, prefix = '', limit }: StreamsOptions,
): Promise<readonly StreamSummary[]> {
  requireLimit(limit)
  const log = `${schema}.event_log`
  const found = await rows(
    `with recursive names(stream) as (
       (select e.stream from ${log} e where e.stream >= $1 and ($2::text is null or e.stream > $2 collate "C") order by e.stream limit 1)
       union all
       select (select e.stream from ${log} e where e.stream > n.stream order by e.stream limit 1)
       from names n where n.stream is not null and starts_with(n.stream, $1))
     select n.stream, l.version, ${msOf('f.occurred_at')}, ${msOf('l.occurred_at')} from names n
     cross join lateral (select e.occurred_at from ${log} e where e.stream = n.stream order by e.version limit 1) f
     cross join lateral (select e.version, e.occurred_at from ${log} e where e.stream = n.stream order by e.version desc limit 1) l
     where starts_with(n.stream, $1) limit $3`,
    [prefix, after ?? null, limit ?? null],
  )
  return found.map((row) => ({
    stream: row[0] as string,
    version: row[1] as number,
    firstSeen: timeOf(row[2]),
    lastSeen: timeOf(row[3]),
  }))
}

async function readStats({ schema, rows }: ReadSide): Promise<LogStats> {
  const log = `${schema}.event_log`
  const [row = []] = await rows(
    `select count(*), count(*) filter (where version = 1)
         + (select count(*) from ${schema}.archived_streams where first_version = 1), count(distinct event_type),
       (select count(*) from ${schema}.commands), coalesce(max(position), 0),
       ${msOf('min(recorded_at)')}, ${msOf('max(recorded_at)')},
       (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class c
        where c.relnamespace = to_regnamespace($1) and c.relkind = 'r')
     from ${log}`,
    [schema],
  )
  return {
    events: row[0] as number,
    streams: row[1] as number,
    types: row[2] as number,
    commands: row[3] as number,
    head: row[4] as number,
    firstRecordedAt: optionalTime(row[5]),
    lastRecordedAt: optionalTime(row[6]),
    bytes: row[7] as number,
  }
}
