import { appendFunction } from './append-function.ts'
import type { Migration } from './migration.ts'

/**
 * The log and what goes with it. `json`, not `jsonb`: a replay is 1.4 times as fast, an append 1.2 times,
 * and what was stored comes back to the letter. Columns stand by falling size, so that none is padded.
 *
 * Indexes by correlation, type and tenant end with the position: a page of any of them is a walk along
 * its index, and never a sort of all that match. By time there is a BRIN index only: a B-tree cost 3.2
 * µs an event, this one 1.4.
 */
export const eventLog: Migration = {
  number: 1,
  minimumReader: 1,
  sql: `
create table SCHEMA.event_types   (id smallint generated always as identity primary key, name text collate "C" not null unique);
create table SCHEMA.topics        (id smallint generated always as identity primary key, name text collate "C" not null unique);
create table SCHEMA.command_types (id smallint generated always as identity primary key, name text collate "C" not null unique);
create table SCHEMA.schema_hashes (id integer generated always as identity primary key, name text collate "C" not null unique);

create table SCHEMA.event_log (
  position       bigint generated always as identity primary key,
  recorded_at    timestamptz not null,
  occurred_at    timestamptz not null,
  erased_at      timestamptz,
  event_id       uuid not null,
  correlation_id uuid not null,
  causation_id   uuid,
  version        integer not null,
  event_version  integer not null,
  schema         integer,
  event_type     smallint not null,
  topic          smallint,
  class          "char" not null default 'f',
  stream         text collate "C" not null,
  key            text collate "C",
  tenant         text collate "C",
  payload        json,
  metadata       json,
  constraint event_log_stream unique (stream, version)
);
create unique index event_log_id          on SCHEMA.event_log (event_id);
create index        event_log_correlation on SCHEMA.event_log (correlation_id, position);
create index        event_log_type        on SCHEMA.event_log (event_type, position);
create index        event_log_tenant      on SCHEMA.event_log (tenant, position) where tenant is not null;
create index        event_log_occurred    on SCHEMA.event_log using brin (occurred_at timestamptz_minmax_multi_ops)
  with (pages_per_range = 32, autosummarize = on);
alter table SCHEMA.event_log set (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

create table SCHEMA.commands (
  command_id     uuid primary key,
  correlation_id uuid not null,
  causation_id   uuid,
  created_at     timestamptz not null,
  first_position bigint,
  last_position  bigint,
  stream_version integer,
  type           smallint not null,
  request_hash   text collate "C" not null,
  outcome        text collate "C" not null,
  actor          text collate "C",
  stream         text collate "C",
  result         json
);
create index commands_correlation on SCHEMA.commands (correlation_id);

create table SCHEMA.snapshots (
  stream           text collate "C" primary key,
  stream_version   integer not null,
  snapshot_version integer not null,
  state            json not null
) with (fillfactor = 70);

create table SCHEMA.contracts (
  type          text collate "C" not null,
  version       integer not null,
  kind          text not null,
  aliases       json not null,
  topic         text,
  sensitive     json not null,
  schema_hash   text,
  input_schema  json,
  output_schema json,
  primary key (type, version)
);
${appendFunction}
create view SCHEMA.domain_events as
select
  e.position,
  e.stream,
  e.version as stream_version,
  e.event_id,
  t.name as event_type,
  e.event_version,
  split_part(e.stream, '/', 1) as aggregate_type,
  substr(e.stream, strpos(e.stream, '/') + 1) as aggregate_id,
  e.correlation_id,
  e.causation_id,
  e.occurred_at as timestamp,
  e.recorded_at,
  o.name as topic,
  coalesce(e.key, substr(e.stream, strpos(e.stream, '/') + 1)) as key,
  e.tenant,
  case e.class when 'w' then 'work' else 'fact' end as class,
  e.payload,
  coalesce(e.metadata, '{}') as metadata
from SCHEMA.event_log e
join SCHEMA.event_types t on t.id = e.event_type
left join SCHEMA.topics o on o.id = e.topic;
`,
}
