import type { Migration } from './migration.ts'

/**
 * The log and what goes with it. `position` is the rowid (WITHOUT ROWID was 4 to 9 % slower), and
 * AUTOINCREMENT, or deleting the last events would let their positions come back. Ids are text: as
 * blobs they made a replay half as fast.
 *
 * No index whose new entries fall all over it (type, tenant, time) is on `event_log` itself: each page
 * so touched is written whole at every commit (by type alone: 0.74 of the rate). `event_type_index`,
 * `event_tenant_index`, `event_chunks` and `event_kinds` are filled behind `index_mark` by the store,
 * 1000 events a transaction; readers add the rest from `event_log`.
 */
export const eventLog: Migration = {
  number: 1,
  minimumReader: 1,
  sql: `
create table event_types    (id integer primary key, name text not null unique) strict;
create table topics         (id integer primary key, name text not null unique) strict;
create table command_types  (id integer primary key, name text not null unique) strict;
create table schema_hashes  (id integer primary key, name text not null unique) strict;

create table event_log (
  position       integer primary key autoincrement,
  stream         text not null,
  version        integer not null,
  event_id       text not null,
  event_type     integer not null,
  event_version  integer not null,
  topic          integer,
  key            text,
  tenant         text,
  class          text not null default 'f',
  correlation_id text not null,
  causation_id   text,
  occurred_at    integer not null,
  recorded_at    integer not null,
  schema         integer,
  payload        text,
  metadata       text,
  erased_at      integer
) strict;
create unique index event_log_stream      on event_log (stream, version);
create unique index event_log_id          on event_log (event_id);
create index        event_log_correlation on event_log (correlation_id);

create table event_type_index (
  event_type integer not null,
  position   integer not null,
  primary key (event_type, position)
) strict, without rowid;

create table event_tenant_index (
  tenant   text not null,
  position integer not null,
  primary key (tenant, position)
) strict, without rowid;

-- A chunk is 1024 positions (position >> 10). starts: the events that began a stream.
create table event_chunks (
  chunk        integer not null,
  event_type   integer not null,
  events       integer not null,
  starts       integer not null,
  occurred_min integer not null,
  occurred_max integer not null,
  primary key (chunk, event_type)
) strict, without rowid;

-- The combinations that occur: which types a topic, an aggregate type, a class or a version can have.
create table event_kinds (
  event_type     integer not null,
  event_version  integer not null,
  aggregate_type text not null,
  topic          integer not null,  -- 0: none
  class          text not null,
  primary key (event_type, event_version, aggregate_type, topic, class)
) strict, without rowid;

create table index_mark (name text primary key, position integer not null) strict, without rowid;
insert into index_mark values ('events', 0);

create table commands (
  command_id     text primary key,
  type           integer not null,
  correlation_id text not null,
  causation_id   text,
  actor          text,
  created_at     integer not null,
  request_hash   text not null,
  outcome        text not null,
  stream         text,
  stream_version integer,
  first_position integer,
  last_position  integer,
  result         text
) strict, without rowid;
create index commands_correlation on commands (correlation_id);

create table snapshots (
  stream           text primary key,
  stream_version   integer not null,
  snapshot_version integer not null,
  state            text not null
) strict, without rowid;

create table contracts (
  type          text not null,
  version       integer not null,
  kind          text not null,
  aliases       text not null,
  topic         text,
  sensitive     text not null,
  schema_hash   text,
  input_schema  text,
  output_schema text,
  primary key (type, version)
) strict, without rowid;

create view domain_events as
select
  e.position,
  e.stream,
  e.version as stream_version,
  e.event_id,
  t.name as event_type,
  e.event_version,
  substr(e.stream, 1, instr(e.stream, '/') - 1) as aggregate_type,
  substr(e.stream, instr(e.stream, '/') + 1) as aggregate_id,
  e.correlation_id,
  e.causation_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.occurred_at / 1000.0, 'unixepoch') as timestamp,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.recorded_at / 1000.0, 'unixepoch') as recorded_at,
  o.name as topic,
  coalesce(e.key, substr(e.stream, instr(e.stream, '/') + 1)) as key,
  e.tenant,
  case e.class when 'w' then 'work' else 'fact' end as class,
  e.payload,
  coalesce(e.metadata, '{}') as metadata
from event_log e
join event_types t on t.id = e.event_type
left join topics o on o.id = e.topic;

-- What a relay has to send. Until there is one: every event that has a topic.
create view event_outbox as
select
  d.position,
  d.topic,
  d.key,
  json_patch('{}', json_object(
    'event_id', d.event_id,
    'event_type', d.event_type,
    'event_version', cast(d.event_version as text),
    'correlation_id', d.correlation_id,
    'causation_id', d.causation_id,
    'traceparent', json_extract(d.metadata, '$.traceparent'),
    'content-type', 'application/json',
    'position', cast(d.position as text)
  )) as headers,
  json_object(
    'event_id', d.event_id,
    'event_type', d.event_type,
    'event_version', d.event_version,
    'timestamp', d.timestamp,
    'aggregate_type', d.aggregate_type,
    'aggregate_id', d.aggregate_id,
    'correlation_id', d.correlation_id,
    'causation_id', d.causation_id,
    'payload', json(d.payload),
    'metadata', case when json_type(d.metadata, '$.traceId') is null
      then json_set(d.metadata, '$.version', d.event_version)
      else json_insert(json_set(json_remove(d.metadata, '$.traceId'), '$.version', d.event_version),
        '$.trace_id', json_extract(d.metadata, '$.traceId'))
      end,
    'stream_version', d.stream_version,
    'position', d.position,
    'recorded_at', d.recorded_at
  ) as envelope
from domain_events d
where d.topic is not null;
`,
}
