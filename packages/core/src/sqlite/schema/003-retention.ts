import type { Migration } from './migration.ts'

/**
 * What deletion and erasure leave behind. Nothing is deleted unless somebody asks; the first deletion
 * raises `minimum_reader`, since an older version would begin an emptied stream at version 1 again.
 */
export const retention: Migration = {
  number: 3,
  minimumReader: 1,
  sql: `
-- Versions of a stream that were deleted, as ranges that do not touch. Where none of its events is left,
-- the last of them is the version of the stream.
create table archived_streams (
  stream        text not null,
  last_version  integer not null,
  first_version integer not null,
  primary key (stream, last_version)
) strict, without rowid;

create table deleted (what text primary key, count integer not null) strict, without rowid;

create table erasures (
  erasure_id   text primary key,
  request      text not null,
  requested_by text not null,
  reason       text not null,
  erased_at    integer not null,
  counts       text not null
) strict, without rowid;

-- New entries are at its end, so it costs facts nothing and work a microsecond.
create index event_log_work on event_log (position) where class = 'w';
`,
}
