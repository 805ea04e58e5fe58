/** The first id of an entry is there already. Only where no exact version is expected: there a repeat shows by it. */
const FIRST_IS_THERE = `x.v < 0 and exists (select from SCHEMA.event_log e where e.event_id = x.f)`

/** One of its ids is there already. */
const ANY_IS_THERE = `exists (select from unnest(ai, ids) as g(i, id)
        where g.i = x.i and exists (select from SCHEMA.event_log e where e.event_id = g.id))`

/** The version of a stream; null where it has none. */
const LAST_EVENT = `(select max(e.version) from SCHEMA.event_log e where e.stream = x.s)`

/** Looked at only where no event of the stream is left: all were deleted, or it is new. */
const LAST_REMOVED = `(select a.last_version from SCHEMA.archived_streams a where a.stream = x.s order by a.last_version desc limit 1)`

const looked = (isThere: string, version: string): string => `
  looked as materialized (
    select x.i, x.c, x.s, x.v, coalesce(${version}, 0) as cur,
      ${isThere} as dup
    from unnest(calls, string_to_array(streams, sep), expected, firsts) with ordinality as x(c, s, v, f, i))`

const FITS = `not l.dup and (l.v = l.cur or l.v = -1 or (l.v = -2 and l.cur > 0))`

const ADDED = `
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
    select a.stream, max(a.version) as version, min(a.position) as first, max(a.position) as last from added a group by a.stream)`

/** What each row ends with: the recorded time, and, in the form that tells it, the end of the log before. */
interface Form {
  readonly version: string
  readonly tellsBehind: boolean
}

const lastCells = ({ tellsBehind }: Form, time: string): string =>
  tellsBehind ? `${time}, behind` : time

/** Without commands, and each id alone: what nearly all calls are, in half the time. */
const plain = (form: Form): string => `
  with ${looked(FIRST_IS_THERE, form.version)},
  judged as materialized (select l.*, bool_and(${FITS}) over (partition by l.c) as ok from looked l), ${ADDED}
  select j.i::int, j.cur, p.version, p.last, j.dup, false, ${lastCells(form, "date_part('epoch', now_at) * 1000")}
  from judged j left join placed p on p.stream = j.s and j.ok order by 1`

const COMMAND_FIELDS = `command_id, type, correlation_id, causation_id, created_at, request_hash, outcome, actor, stream,
      stream_version, first_position, last_position, result`

const full = (form: Form): string => `
  with named as materialized (
    select r.* from rows from (unnest(command_calls), json_to_recordset(commands) as (command_id uuid, type smallint,
      correlation_id uuid, causation_id uuid, created_at timestamptz, request_hash text, outcome text, actor text, stream text,
      stream_version int, first_position bigint, last_position bigint, result text))
      as r(call, ${COMMAND_FIELDS})),
  refused as materialized (
    select n.call from named n where exists (select from SCHEMA.commands k where k.command_id = n.command_id)),
  ${looked(`case when strict then ${ANY_IS_THERE} else ${FIRST_IS_THERE} end`, form.version)},
  judged as materialized (
    select l.*, l.c in (select call from refused) as taken,
      bool_and(${FITS}) over (partition by l.c) and l.c not in (select call from refused) as ok
    from looked l), ${ADDED},
  recorded as (
    insert into SCHEMA.commands (${COMMAND_FIELDS})
    select n.command_id, n.type, n.correlation_id, n.causation_id, n.created_at, n.request_hash, n.outcome, n.actor, n.stream,
      n.stream_version, coalesce(w.first, n.first_position), coalesce(w.last, n.last_position), n.result::json
    from named n left join lateral (select min(p.first) as first, max(p.last) as last
      from judged j join placed p on p.stream = j.s where j.c = n.call) w on true
    where n.call not in (select call from refused) and not exists (select from judged b where b.c = n.call and not b.ok))
  select j.i::int, j.cur, p.version, p.last, j.dup, j.taken, ${lastCells(form, "date_part('epoch', now_at) * 1000")}
  from judged j left join placed p on p.stream = j.s and j.ok
  union all
  select -n.call, null, null, null, null, n.call in (select call from refused), ${lastCells(form, 'null')}
  from named n where not exists (select from judged j where j.c = n.call)
  order by 1`

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
 * - Generic plans: planning anew costs more than a small call takes.
 *
 * Answer, a row for each stream: `found` the version there was, `reached` the new one or null where nothing
 * was written, `at_position` its last position (those of one stream follow each other), `dup` an id is
 * there already, `taken` the command is, `at_ms` the recorded time. For a command without streams a row
 * with the negative number of its call.
 */
const appendFunctionOf = (create: string, form: Form): string => `
${create}(strict boolean, sep text, nil text, fixed_now timestamptz,
    calls int[], streams text, expected int[], firsts uuid[],
    ai int[], ao int[], ids uuid[], types smallint[], vers int[], topic_ids smallint[], schemas int[], classes "char"[],
    corrs uuid[], causes uuid[], ats timestamptz[], keys text, tenants text, payloads text, metas text,
    command_calls int[], commands json)
  returns table(entry int, found int, reached int, at_position bigint, dup boolean, taken boolean, ${form.tellsBehind ? 'at_ms float8, behind bigint' : 'at_ms float8'})
  language plpgsql set plan_cache_mode = force_generic_plan as $append$
#variable_conflict use_column
declare now_at timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended('SCHEMA.event_log', 0));
  -- The clock may have been set back; of an empty log there is no time, and null is not the greatest.
  now_at := greatest(date_trunc('milliseconds', coalesce(fixed_now, clock_timestamp())),
    (select e.recorded_at from SCHEMA.event_log e order by e.position desc limit 1));${
      form.tellsBehind
        ? '\n  behind := coalesce((select max(e.position) from SCHEMA.event_log e), 0);'
        : ''
    }
  if strict or command_calls is not null then
    return query ${full(form)};
  else
    return query ${plain(form)};
  end if;
end $append$;
`

export const appendFunction: string = appendFunctionOf('create function SCHEMA.append_events', {
  version: LAST_EVENT,
  tellsBehind: false,
})

/** Versions go on where all events of a stream were deleted. */
const VERSION_BEHIND_REMOVED = `${LAST_EVENT}, ${LAST_REMOVED}`

/** The same, for a log of which events were deleted. */
export const appendBehindRemoved: string = appendFunctionOf(
  'create or replace function SCHEMA.append_events',
  { version: VERSION_BEHIND_REMOVED, tellsBehind: false },
)

/**
 * The same once more, which also says what the last position was before: `behind`. Another name, for an
 * older version of this package goes on to call the other one, under statements that it has prepared.
 */
export const appendBatch: string = appendFunctionOf('create function SCHEMA.append_batch', {
  version: VERSION_BEHIND_REMOVED,
  tellsBehind: true,
})
