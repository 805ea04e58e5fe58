import type pg from 'pg'

/**
 * Fills the log of the schema `tidings` as one may be: 40 types of which one is rare, one tenant in ten
 * events, one task in twenty, ten events a stream, a day of time. Without its indexes, which are made
 * again afterwards: a million events take a third of the time.
 */
export async function fillLog(admin: pg.Client, events: number): Promise<void> {
  await admin.query(`set maintenance_work_mem = '256MB'; set synchronous_commit = off`)
  await admin.query('alter table tidings.event_log set unlogged')
  await admin.query(`insert into tidings.event_types (name)
    select 'Sample.Type' || n || '.Happened' from generate_series(1, 40) n union all select 'Sample.Rare.Happened'`)
  await admin.query(`insert into tidings.topics (name) values ('sample')`)
  const makeIndexes = await dropIndexes(admin)
  await admin.query(
    `insert into tidings.event_log (recorded_at, occurred_at, event_id, correlation_id, version, event_version, event_type, topic,
       class, stream, tenant, payload)
     select at, at, (id || lpad(to_hex(n), 12, '0'))::uuid, (id || lpad(to_hex(n / 10), 12, '0'))::uuid, n % 10 + 1, 1,
       case when n % 50000 = 0 then 41 else n % 40 + 1 end, 1, case n % 20 when 7 then 'w' else 'f' end::"char",
       'Sample.Counter/' || n / 10, case n % 10 when 0 then 'tenant-' || n / 10 % 7 end, '{}'
     from (select n, '01a22656-0000-7000-8000-' as id, timestamptz '2026-11-21' + n * interval '86.4 s' / ($1::int / 1000) as at from generate_series(0, $1::int - 1) n) g`,
    [events],
  )
  for (const sql of makeIndexes) await admin.query(sql)
  await admin.query('analyze tidings.event_log')
}

/** @returns the statements that make them again */
async function dropIndexes(admin: pg.Client): Promise<readonly string[]> {
  const log = 'alter table tidings.event_log'
  const { rows } = await admin.query<{ drop: string; make: string }>(
    `select coalesce('${log} drop constraint ' || c.conname, 'drop index ' || i.indexrelid::regclass) as drop,
       coalesce('${log} add constraint ' || c.conname || ' ' || pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid)) as make
     from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
     where i.indrelid = 'tidings.event_log'::regclass`,
  )
  for (const { drop } of rows) await admin.query(drop)
  return rows.map(({ make }) => make)
}

interface Delivery {
  readonly rows: number
  /** When the first timer is due: milliseconds since the epoch. */
  readonly dueAt: number
  /** How far the subscriptions are. */
  readonly mark: number
}

/** Timers of which one in ten waits, parked events of which one in a hundred is unfinished, and who reads. */
export async function fillDelivery(
  admin: pg.Client,
  { rows, dueAt, mark }: Delivery,
): Promise<void> {
  await admin.query(
    `insert into tidings.timers (timer_id, due_at, command_type, input, correlation_id, set_at, state)
     select 'timer-' || n, $2::bigint + n, 'Sample.Counter.Increase', '{}', 'c', now(), case n % 10 when 0 then 'waiting' else 'fired' end
     from generate_series(1, $1::int) n`,
    [rows, dueAt],
  )
  await admin.query(
    `insert into tidings.parked (parked_id, subscription, generation, key, sequence, position, event_id, event_type, event_version,
       correlation_id, reason, state, attempts, attempt_count, later_count, redrives, history, parked_at, changed_at)
     select 'parked-' || n, 'mail-' || n / 100 % 5, 1, 'key-' || n / 100, n, n, 'e', 'Sample.Counter.Increased', 1,
       'c', 'failed', case n % 100 when 0 then 'parked' else 'resolved' end, '[]', 1, 0, 0, '[]', now(), now()
     from generate_series(1, $1::int) n`,
    [rows],
  )
  await admin.query(
    `insert into tidings.subscriptions (name, generation, position, token, owner, released, paused, state, reason, state_since)
     select 'mail-' || n, 1, $1::bigint, 1, 'process-1', false, false, 'running', '', now() from generate_series(0, 4) n`,
    [mark],
  )
  await admin.query('analyze tidings.timers, tidings.parked')
}
