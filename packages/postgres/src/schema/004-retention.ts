import { refusePendingBehindRemoved } from './003-foreign-transactions.ts'
import { appendBehindRemoved } from './append-function.ts'
import type { Migration } from './migration.ts'

/**
 * What deletion and erasure leave behind. Nothing is deleted unless somebody asks; the first deletion
 * raises `minimum_reader`, since an older version cannot tell what was deleted from what is lost.
 */
export const retention: Migration = {
  number: 4,
  minimumReader: 1,
  sql: `
-- Versions of a stream that were deleted, as ranges that do not touch. Where none of its events is left,
-- the last of them is the version of the stream.
create table SCHEMA.archived_streams (
  stream        text collate "C" not null,
  last_version  integer not null,
  first_version integer not null,
  primary key (stream, last_version)
);

create table SCHEMA.deleted (
  what  text collate "C" primary key,
  count bigint not null
) with (fillfactor = 50);

create table SCHEMA.erasures (
  erasure_id   text collate "C" primary key,
  request      json not null,
  requested_by text not null,
  reason       text not null,
  erased_at    timestamptz not null,
  counts       json not null
);

-- Told by whoever deletes, who may have no right to say what form the tables have.
create function SCHEMA.guard_deletions() returns void language sql security definer set search_path = pg_catalog as $guard$
  update SCHEMA.schema_version set minimum_reader = number where number = 4 and minimum_reader < number
$guard$;

create index event_log_work on SCHEMA.event_log (position) where class = 'w';
${appendBehindRemoved}
${refusePendingBehindRemoved}`,
}
