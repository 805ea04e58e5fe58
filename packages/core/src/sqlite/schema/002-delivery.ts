import type { Migration } from './migration.ts'

/**
 * What consumers leave behind: where they are, what they put aside, what they are asked to do, what
 * they are to do later. Nothing of it is in the way of a version that knows only the log, and such a
 * version goes on appending to a file in this form.
 *
 * Times are milliseconds since the epoch. `parked` alone has a rowid: its rows carry whole events, and
 * would make the inner pages of a tree by id as large as they are. Its partial indexes hold what is
 * unfinished, and what is finished, so that neither grows with the other.
 */
export const delivery: Migration = {
  number: 2,
  minimumReader: 1,
  sql: `
create table subscriptions (
  name        text primary key,
  generation  integer not null,
  position    integer not null,
  token       integer not null,
  owner       text not null,
  released    integer not null,
  paused      integer not null,
  state       text not null,
  reason      text not null,
  state_since integer not null
) strict, without rowid;

create table done_ahead (
  subscription text not null,
  generation   integer not null,
  position     integer not null,
  primary key (subscription, generation, position)
) strict, without rowid;

create table begun (
  subscription text not null,
  generation   integer not null,
  position     integer not null,
  attempts     integer not null,
  primary key (subscription, generation, position)
) strict, without rowid;

-- expires_at is null once it was released. The row stays: tokens rise for ever.
create table leases (
  name       text primary key,
  owner      text not null,
  token      integer not null,
  expires_at integer
) strict, without rowid;

create table parked (
  parked_id      text primary key,
  subscription   text not null,
  generation     integer not null,
  key            text not null,
  sequence       integer not null,
  position       integer,
  event_id       text not null,
  event_type     text not null,
  event_version  integer not null,
  correlation_id text not null,
  causation_id   text,
  reason         text not null,
  state          text not null,
  due_at         integer,
  attempts       text not null,
  attempt_count  integer not null,
  later_count    integer not null,
  fingerprint    text,
  bytes          blob,
  edited         text,
  redrives       integer not null,
  operation_id   text,
  history        text not null,
  parked_at      integer not null,
  changed_at     integer not null
) strict;
create index parked_order on parked (subscription, generation, sequence, parked_id);
create index parked_unfinished on parked (subscription, generation, key, sequence, parked_id)
  where state in ('parked', 'redriving');
create index parked_finished on parked (changed_at) where state in ('resolved', 'discarded');

create table operations (
  operation_id  text primary key,
  kind          text not null,
  subscription  text not null,
  request       text not null,
  requested_by  text not null,
  reason        text not null,
  requested_at  integer not null,
  state         text not null,
  started_at    integer,
  finished_at   integer,
  progress      text not null,
  result        text,
  error         text,
  cancelled_by  text,
  cancel_reason text
) strict, without rowid;
create index operations_state on operations (state, subscription);

create table timers (
  timer_id       text primary key,
  due_at         integer not null,
  command_type   text not null,
  input          text not null,
  correlation_id text not null,
  causation_id   text,
  metadata       text,
  set_at         integer not null,
  state          text not null,
  fired_at       integer,
  late_ms        integer,
  failure        text
) strict, without rowid;
create index timers_due on timers (state, due_at);

create table inbox (
  consumer   text not null,
  message_id text not null,
  seen_at    integer not null,
  primary key (consumer, message_id)
) strict, without rowid;
create index inbox_seen on inbox (consumer, seen_at);

-- What the subscription 'relay' has still to send; without one, every event that has a topic.
drop view event_outbox;
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
where d.topic is not null
  and d.position > coalesce((select position from subscriptions where name = 'relay'), 0)
  and not exists (
    select 1 from done_ahead a
    where a.subscription = 'relay'
      and a.generation = (select generation from subscriptions where name = 'relay')
      and a.position = d.position
  );
`,
}
