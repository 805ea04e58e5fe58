import type { Migration } from './migration.ts'

/**
 * What consumers leave behind: where they are, what they put aside, what they are asked to do, what they
 * are to do later. Rows that are updated again and again have room on their page to stay there, and are
 * vacuumed by number rather than by share: a table of ten subscriptions sees a million updates.
 */
export const delivery: Migration = {
  number: 2,
  minimumReader: 1,
  sql: `
create table SCHEMA.subscriptions (
  name        text collate "C" primary key,
  generation  integer not null,
  position    bigint not null,
  token       bigint not null,
  owner       text not null,
  released    boolean not null,
  paused      boolean not null,
  state       text not null,
  reason      text not null,
  state_since timestamptz not null,
  -- Whoever writes under a token holds this key: FOR KEY SHARE lets the mark move meanwhile.
  unique (name, token, generation)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create table SCHEMA.done_ahead (
  subscription text collate "C" not null,
  generation   integer not null,
  position     bigint not null,
  primary key (subscription, generation, position)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

create table SCHEMA.begun (
  subscription text collate "C" not null,
  generation   integer not null,
  position     bigint not null,
  attempts     integer not null,
  primary key (subscription, generation, position)
);

-- expires_at is null once it was released. The row stays: tokens rise for ever.
create table SCHEMA.leases (
  name       text collate "C" primary key,
  owner      text not null,
  token      bigint not null,
  expires_at timestamptz
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create table SCHEMA.parked (
  parked_id      text collate "C" primary key,
  subscription   text collate "C" not null,
  generation     integer not null,
  key            text collate "C" not null,
  sequence       bigint not null,
  position       bigint,
  event_id       text collate "C" not null,
  event_type     text collate "C" not null,
  event_version  integer not null,
  correlation_id text collate "C" not null,
  causation_id   text collate "C",
  reason         text not null,
  state          text not null,
  due_at         bigint,
  attempts       json not null,
  attempt_count  integer not null,
  later_count    integer not null,
  fingerprint    text collate "C",
  bytes          bytea,
  edited         text,
  redrives       integer not null,
  operation_id   text collate "C",
  history        json not null,
  parked_at      timestamptz not null,
  changed_at     timestamptz not null
);
create index parked_order on SCHEMA.parked (subscription, generation, sequence, parked_id);
create index parked_unfinished on SCHEMA.parked (subscription, generation, key, sequence, parked_id)
  where state in ('parked', 'redriving');
create index parked_finished on SCHEMA.parked (changed_at) where state in ('resolved', 'discarded');

create table SCHEMA.operations (
  operation_id  text collate "C" primary key,
  kind          text not null,
  subscription  text collate "C" not null,
  request       json not null,
  requested_by  text not null,
  reason        text not null,
  requested_at  timestamptz not null,
  state         text not null,
  started_at    timestamptz,
  finished_at   timestamptz,
  progress      json not null,
  result        json,
  error         text,
  cancelled_by  text,
  cancel_reason text
);
create index operations_state on SCHEMA.operations (state, subscription);

create table SCHEMA.timers (
  timer_id       text collate "C" primary key,
  due_at         bigint not null,
  command_type   text not null,
  input          json not null,
  correlation_id text not null,
  causation_id   text,
  metadata       json,
  set_at         timestamptz not null,
  state          text not null,
  fired_at       timestamptz,
  late_ms        float8,
  failure        text
);
create index timers_due on SCHEMA.timers (state, due_at, timer_id);

create table SCHEMA.inbox (
  consumer   text collate "C" not null,
  message_id text collate "C" not null,
  seen_at    timestamptz not null,
  primary key (consumer, message_id)
);
create index inbox_seen on SCHEMA.inbox (consumer, seen_at);

-- What the subscription 'relay' has still to send; without one, every event that has a topic.
create view SCHEMA.event_outbox as
select
  d.position,
  d.topic,
  d.key,
  json_strip_nulls(json_build_object(
    'event_id', d.event_id,
    'event_type', d.event_type,
    'event_version', d.event_version::text,
    'correlation_id', d.correlation_id,
    'causation_id', d.causation_id,
    'traceparent', d.metadata ->> 'traceparent',
    'content-type', 'application/json',
    'position', d.position::text
  )) as headers,
  json_build_object(
    'event_id', d.event_id,
    'event_type', d.event_type,
    'event_version', d.event_version,
    'timestamp', to_char(d.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'aggregate_type', d.aggregate_type,
    'aggregate_id', d.aggregate_id,
    'correlation_id', d.correlation_id,
    'causation_id', d.causation_id,
    'payload', d.payload,
    'metadata', case when d.metadata ->> 'traceId' is null
      then d.metadata::jsonb || jsonb_build_object('version', d.event_version)
      else (d.metadata::jsonb - 'traceId') || jsonb_build_object('version', d.event_version)
        || case when d.metadata::jsonb ? 'trace_id' then '{}' else jsonb_build_object('trace_id', d.metadata ->> 'traceId') end
      end,
    'stream_version', d.stream_version,
    'position', d.position,
    'recorded_at', to_char(d.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  ) as envelope
from SCHEMA.domain_events d
where d.topic is not null
  and d.position > coalesce((select s.position from SCHEMA.subscriptions s where s.name = 'relay'), 0)
  and not exists (
    select from SCHEMA.done_ahead a
    where a.subscription = 'relay'
      and a.generation = (select s.generation from SCHEMA.subscriptions s where s.name = 'relay')
      and a.position = d.position
  );
`,
}
