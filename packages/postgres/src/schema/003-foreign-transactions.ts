import type { Migration } from './migration.ts'

const LAST_EVENT = `(select max(e.version) from SCHEMA.event_log e where e.stream = x.stream)`

/** @param version the version of the stream `x.stream`; null where it has none */
const refusePending = (
  create: string,
  version: string,
): string => `${create} SCHEMA.refuse_pending(given text[]) returns void language plpgsql as $refuse$
declare
  wanted record;
  present bigint;
begin
  for wanted in
    select x.stream, x.expected, coalesce(${version}, 0) as actual,
      (select array_agg(g.id) from unnest(given[8]::int[], given[10]::uuid[]) as g(entry, id) where g.entry = x.entry) as ids
    from unnest(string_to_array(given[5], given[1]), given[6]::int[]) with ordinality as x(stream, expected, entry)
  loop
    select count(*) into present from SCHEMA.event_log e where e.event_id = any(wanted.ids);
    if present > 0 then
      raise exception using errcode = 'TD002', message = format('append to %s: an event id is in the log already', wanted.stream),
        detail = (select json_build_object('stream', wanted.stream, 'eventId', e.event_id, 'foundStream', e.stream, 'foundVersion', e.version,
          'repeated', present = cardinality(wanted.ids) and e.stream = wanted.stream)
          from SCHEMA.event_log e where e.event_id = any(wanted.ids) order by (e.stream = wanted.stream), e.position limit 1)::text;
    end if;
  end loop;
  for wanted in
    select x.stream, x.expected, coalesce(${version}, 0) as actual
    from unnest(string_to_array(given[5], given[1]), given[6]::int[]) as x(stream, expected)
  loop
    if not (wanted.expected = wanted.actual or wanted.expected = -1 or (wanted.expected = -2 and wanted.actual > 0)) then
      raise exception using errcode = 'TD001',
        message = format('append to %s: expected version %s, found %s', wanted.stream, wanted.expected, wanted.actual),
        detail = json_build_object('stream', wanted.stream, 'expected', wanted.expected, 'actual', wanted.actual)::text;
    end if;
  end loop;
  raise exception 'append_events refused what nothing speaks against';
end $refuse$;`

/** The same, for a log of which events were deleted: where none is left, versions go on. */
export const refusePendingBehindRemoved: string = refusePending(
  'create or replace function',
  `${LAST_EVENT}, (select max(a.last_version) from SCHEMA.archived_streams a where a.stream = x.stream)`,
)

/**
 * The doors for transactions of other libraries. A row of `pending_appends` holds the parameters of one
 * call of `append_events`, and is gone when its transaction ends: unlogged. A row of `deferred_appends`
 * waits, committed, for a process that appends it.
 *
 * - The trigger queues its row once more, so that every other deferred constraint of the transaction has
 *   run before the lock of the log is taken: a foreign key that was queued later would else wait for rows
 *   of somebody who waits for the lock.
 * - A refusal is an error of the COMMIT: TD001 a version, TD002 an id; what is to be known stands in DETAIL.
 * - A REPEATABLE READ transaction does not see what was committed since it began to read. What it then
 *   takes twice is a serialization failure, for which such callers have a loop already.
 * - NOTIFY wakes the readers: nobody else hears of this COMMIT. It also makes PREPARE TRANSACTION an error,
 *   after which the lock would be held until somebody remembers to finish it.
 */
export const foreignTransactions: Migration = {
  number: 3,
  minimumReader: 1,
  sql: `
create unlogged table SCHEMA.pending_appends (
  id    bigint generated always as identity primary key,
  call  json not null,
  stage smallint not null default 1
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create table SCHEMA.deferred_appends (
  id          bigint generated always as identity primary key,
  call        json not null,
  refused     text,
  deferred_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

${refusePending('create function', LAST_EVENT)}
create function SCHEMA.append_pending() returns trigger language plpgsql as $pending$
declare
  given text[];
  verdict record;
  head bigint := 0;
begin
  if new.stage = 1 then
    update SCHEMA.pending_appends set stage = 2 where id = new.id;
    return null;
  end if;
  delete from SCHEMA.pending_appends where id = new.id;
  select array_agg(c.value order by c.n) into given from json_array_elements_text(new.call) with ordinality as c(value, n);
  begin
    for verdict in select * from SCHEMA.append_events(true, given[1], given[2], given[3]::timestamptz,
      given[4]::int[], given[5], given[6]::int[], given[7]::uuid[],
      given[8]::int[], given[9]::int[], given[10]::uuid[], given[11]::smallint[], given[12]::int[], given[13]::smallint[],
      given[14]::int[], given[15]::"char"[], given[16]::uuid[], given[17]::uuid[], given[18]::timestamptz[],
      given[19], given[20], given[21], given[22], null, null)
    loop
      if verdict.reached is null then
        perform SCHEMA.refuse_pending(given);
      end if;
      head := greatest(head, verdict.at_position);
    end loop;
  exception when unique_violation then
    raise exception using errcode = '40001',
      message = 'the log went on since this transaction began to read',
      hint = 'Repeat the transaction, or run it in READ COMMITTED.';
  end;
  perform pg_notify(tg_table_schema, head::text);
  return null;
end $pending$;

create constraint trigger pending_appends_at_commit after insert or update on SCHEMA.pending_appends
  deferrable initially deferred for each row execute function SCHEMA.append_pending();
`,
}
