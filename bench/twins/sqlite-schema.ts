/**
 * The twin's own copy of the columns, indexes and settings of our SQLite store. A test compares the
 * two, so that the twin cannot quietly become cheaper (or dearer) than what it is a twin of.
 */
export const PRAGMAS: readonly string[] = [
  'journal_mode = wal',
  'synchronous = full',
  'busy_timeout = 0',
  'cache_size = -65536',
  'temp_store = memory',
]

export const SCHEMA = `
create table if not exists event_types (id integer primary key, name text not null unique) strict;
create table if not exists topics (id integer primary key, name text not null unique) strict;
create table if not exists command_types (id integer primary key, name text not null unique) strict;
create table if not exists schema_hashes (id integer primary key, name text not null unique) strict;
create table if not exists event_log (
  position integer primary key autoincrement, stream text not null, version integer not null,
  event_id text not null, event_type integer not null, event_version integer not null,
  topic integer, key text, tenant text, class text not null default 'f',
  correlation_id text not null, causation_id text, occurred_at integer not null, recorded_at integer not null,
  schema integer, payload text, metadata text, erased_at integer
) strict;
create unique index if not exists event_log_stream on event_log (stream, version);
create unique index if not exists event_log_id on event_log (event_id);
create index if not exists event_log_correlation on event_log (correlation_id);
create index if not exists event_log_work on event_log (position) where class = 'w';
create table if not exists commands (
  command_id text primary key, type integer not null, correlation_id text not null, causation_id text,
  actor text, created_at integer not null, request_hash text not null, outcome text not null,
  stream text, stream_version integer, first_position integer, last_position integer, result text
) strict, without rowid;
create index if not exists commands_correlation on commands (correlation_id);
`
