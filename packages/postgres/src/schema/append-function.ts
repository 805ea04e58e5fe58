/**
 * The function that appends. One call is what one process has queued, in one statement:
 *
 * - The lock of the log is taken by a statement of its own, so that what the next one sees is newer than
 *   the lock: no two processes can find the same version, and positions rise in the order of commits.
 * - An append (`calls` numbers them) may hold several streams, each at most once in a call of this
 *   function. It is written whole or not at all. What speaks against it is said in a row, never by an
 *   error, which would cost its neighbours their transaction.
 * - `expected`: n = exactly n, -1 = any, -2 = the stream must exist. Only the last two look the first id
 *   up: with an exact version a repeated append shows by its version. `strict` looks up every id.
 * - Texts travel joined by `sep`, null as `nil`, which the caller picks so that no text holds them: arrays
 *   of text have to be escaped, and nested JSON parsed (0.85 of the rate).
 *
 * Answer, a row for each stream: \`found\` the version there was, \`reached\` the new one or null where
 * nothing was written, \`at_position\` its last position (those of one stream follow each other), \`dup\` an
 * id is there already, \`taken\` the command is, \`at_ms\` the recorded time.
 */
export const appendFunction: string = `
create function SCHEMA.append_events(strict boolean, sep text, nil text, fixed_now timestamptz,
    calls int[], streams text, expected int[], firsts uuid[],
    ai int[], ao int[], ids uuid[], types smallint[], vers int[], topic_ids smallint[], schemas int[], classes "char"[],
    corrs uuid[], causes uuid[], ats timestamptz[], keys text, tenants text, payloads text, metas text,
    command_calls int[], commands json)
  returns table(entry int, found int, reached int, at_position bigint, dup boolean, taken boolean, at_ms float8)
  language plpgsql as $append$
#variable_conflict use_column
declare now_at timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended('SCHEMA.event_log', 0));
  select greatest(e.recorded_at, date_trunc('milliseconds', coalesce(fixed_now, clock_timestamp()))) into now_at
    from SCHEMA.event_log e order by e.position desc limit 1;
  now_at := coalesce(now_at, date_trunc('milliseconds', coalesce(fixed_now, clock_timestamp())));
  return query
  with named as materialized (
    select r.* from rows from (unnest(command_calls), json_to_recordset(commands) as (command_id uuid, type smallint,
      correlation_id uuid, causation_id uuid, created_at timestamptz, request_hash text, outcome text, actor text, stream text,
      stream_version int, first_position bigint, last_position bigint, result text))
      as r(call, command_id, type, correlation_id, causation_id, created_at, request_hash, outcome, actor, stream,
        stream_version, first_position, last_position, result)),
  refused as materialized (
    select n.call from named n where exists (select from SCHEMA.commands k where k.command_id = n.command_id)),
  looked as materialized (
    select x.i, x.c, x.s, x.v, coalesce((select max(e.version) from SCHEMA.event_log e where e.stream = x.s), 0) as cur,
      case when strict then exists (
          select from unnest(ai, ids) as g(i, id) where g.i = x.i and exists (select from SCHEMA.event_log e where e.event_id = g.id))
        else x.v < 0 and exists (select from SCHEMA.event_log e where e.event_id = x.f) end as dup
    from unnest(calls, string_to_array(streams, sep), expected, firsts) with ordinality as x(c, s, v, f, i)),
  judged as materialized (
    select l.*, l.c in (select call from refused) as taken,
      bool_and(not l.dup and (l.v = l.cur or l.v = -1 or (l.v = -2 and l.cur > 0))) over (partition by l.c)
        and l.c not in (select call from refused) as ok
    from looked l),
  added as (
    insert into SCHEMA.event_log (recorded_at, occurred_at, event_id, correlation_id, causation_id, version, event_version, schema,
      event_type, topic, class, stream, key, tenant, payload, metadata)
    select now_at, r.at, r.id, r.corr, r.cause, a.cur + r.o, r.ver, r.schema,
      r.type, r.topic, coalesce(r.class, 'f'), a.s, r.key, r.tenant, r.payload::json, r.meta::json
    from unnest(ai, ao, ids, types, vers, topic_ids, schemas, classes, corrs, causes, ats,
        string_to_array(keys, sep, nil), string_to_array(tenants, sep, nil), string_to_array(payloads, E'\\n'),
        string_to_array(metas, E'\\n', ''))
      as r(i, o, id, type, ver, topic, schema, class, corr, cause, at, key, tenant, payload, meta)
    join judged a on a.i = r.i
    where a.ok order by r.i, r.o
    returning stream, version, position),
  placed as materialized (
    select a.stream, max(a.version) as version, min(a.position) as first, max(a.position) as last from added a group by a.stream),
  recorded as (
    insert into SCHEMA.commands (command_id, type, correlation_id, causation_id, created_at, request_hash, outcome, actor, stream,
      stream_version, first_position, last_position, result)
    select n.command_id, n.type, n.correlation_id, n.causation_id, n.created_at, n.request_hash, n.outcome, n.actor, n.stream,
      n.stream_version, coalesce(min(p.first), n.first_position), coalesce(max(p.last), n.last_position), n.result::json
    from named n left join judged j on j.c = n.call left join placed p on p.stream = j.s
    where n.call not in (select call from refused) and not exists (select from judged b where b.c = n.call and not b.ok)
    group by n.call, n.command_id, n.type, n.correlation_id, n.causation_id, n.created_at, n.request_hash, n.outcome, n.actor,
      n.stream, n.stream_version, n.first_position, n.last_position, n.result)
  select j.i::int, j.cur, p.version, p.last, j.dup, j.taken, date_part('epoch', now_at) * 1000
  from judged j left join placed p on p.stream = j.s and j.ok
  union all
  select -n.call, null, null, null, null, n.call in (select call from refused), null
  from named n where not exists (select from judged j where j.c = n.call)
  order by 1;
end $append$;
`
