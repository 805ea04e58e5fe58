import {
  pg,
  type Client,
  type ClientBase,
  type Pool,
  type QueryArrayConfig,
} from '../../packages/postgres/test/kit/raw-client.ts'
import type { SealedEvent } from '../../packages/core/src/contract/seal.ts'
import type { StreamAppend } from '../../packages/core/src/store/store.ts'

/** The least that a log needs to be one: what a team would write by hand, with group commit. */
const SCHEMA = `
create schema twin;
create table twin.event_types (id smallint generated always as identity primary key, name text collate "C" not null unique);
create table twin.event_log (
  position       bigint generated always as identity primary key,
  recorded_at    timestamptz not null,
  occurred_at    timestamptz not null,
  event_id       uuid not null,
  correlation_id uuid not null,
  causation_id   uuid,
  version        integer not null,
  event_version  smallint not null,
  event_type     smallint not null,
  stream         text collate "C" not null,
  payload        json,
  metadata       json,
  unique (stream, version)
);
create unique index on twin.event_log (event_id);
create index on twin.event_log (correlation_id);
create index on twin.event_log (event_type, position);
create function twin.append_events(streams text, expected int[], ai int[], ao int[], ids uuid[], types smallint[], vers smallint[],
    corrs uuid[], causes uuid[], ats timestamptz[], payloads text, metas text)
  returns table(i int, cur int, ver int, pos text) language plpgsql as $$
begin
  perform pg_advisory_xact_lock(4711);
  return query
  with a as materialized (
    select x.i, x.s, x.v, coalesce((select max(e.version) from twin.event_log e where e.stream = x.s), 0) as cur
    from unnest(string_to_array(streams, E'\\n'), expected) with ordinality as x(s, v, i)),
  ins as (
    insert into twin.event_log (recorded_at, occurred_at, event_id, correlation_id, causation_id, version, event_version, event_type, stream, payload, metadata)
    select clock_timestamp(), r.at, r.id, r.corr, r.cause, a.cur + r.o, r.ver, r.type, a.s, r.payload::json, r.meta::json
    from unnest(ai, ao, ids, types, vers, corrs, causes, ats, string_to_array(payloads, E'\\n'), string_to_array(metas, E'\\n', ''))
      as r(i, o, id, type, ver, corr, cause, at, payload, meta) join a on a.i = r.i
    where a.v = a.cur order by r.i, r.o
    returning event_log.stream, event_log.version, event_log.position)
  select a.i::int, a.cur, m.version, m.position::text
  from a left join (select ins.stream, max(ins.version) as version, max(ins.position) as position from ins group by ins.stream) m on m.stream = a.s
  order by a.i;
end $$;`

interface Waiting {
  readonly append: StreamAppend
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A log in PostgreSQL by hand: one table, the same indexes, one statement for all that wait. */
export class RawPostgresLog {
  readonly #client: Client
  readonly #pool: Pool
  readonly #types = new Map<string, number>()
  readonly #queue: Waiting[] = []
  #running = false

  private constructor(client: Client, pool: Pool) {
    this.#client = client
    this.#pool = pool
  }

  static async open(url: string): Promise<RawPostgresLog> {
    // Planning a call anew costs more than a small one takes.
    const client = new pg.Client({
      connectionString: url,
      options: '-c plan_cache_mode=force_generic_plan',
    })
    await client.connect()
    await client.query(SCHEMA)
    const options = '-c plan_cache_mode=force_generic_plan'
    return new RawPostgresLog(client, new pg.Pool({ connectionString: url, options, max: 4 }))
  }

  append(append: StreamAppend): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ append, resolve, reject })
      if (this.#running) return
      this.#running = true
      setImmediate(() => void this.#run())
    })
  }

  /** A transaction of its own: the caller's row first, since nobody should wait for one under the lock. */
  async transact(
    append: StreamAppend,
    work: (client: ClientBase) => Promise<unknown>,
  ): Promise<void> {
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      await work(client)
      const [isWritten] = await this.#write([append], client)
      if (isWritten !== true) throw new Error('a conflict')
      await client.query('commit')
    } finally {
      client.release()
    }
  }

  async query(sql: string): Promise<void> {
    await this.#client.query(sql)
  }

  async close(): Promise<void> {
    await this.#pool.end()
    await this.#client.end()
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, 200)
      try {
        const written = await this.#write(batch.map(({ append }) => append))
        for (const [index, { resolve, reject }] of batch.entries()) {
          if (written[index] === true) resolve()
          else reject(new Error('a conflict'))
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#running = false
  }

  /** @returns for each of them whether it was written */
  async #write(
    appends: readonly StreamAppend[],
    client: ClientBase = this.#client,
  ): Promise<readonly boolean[]> {
    const events: { event: SealedEvent; entry: number; order: number }[] = []
    for (const [index, append] of appends.entries()) {
      for (const [order, event] of append.events.entries()) {
        await this.#intern(event.envelope.eventType)
        events.push({ event, entry: index + 1, order: order + 1 })
      }
    }
    const list = (values: readonly unknown[]): string => `{${values.join(',')}}`
    const of = (value: (event: SealedEvent) => unknown): string =>
      list(events.map(({ event }) => value(event)))
    const { rows } = await client.query<[number, number, number | null, string]>({
      name: 'append',
      text: 'select * from twin.append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)',
      rowMode: 'array',
      values: [
        appends.map(({ stream }) => stream).join('\n'),
        list(appends.map(({ expectedVersion }) => expectedVersion)),
        list(events.map(({ entry }) => entry)),
        list(events.map(({ order }) => order)),
        of(({ envelope }) => envelope.eventId),
        of(({ envelope }) => this.#types.get(envelope.eventType)),
        of(({ envelope }) => envelope.eventVersion),
        of(({ envelope }) => envelope.correlationId),
        of(({ envelope }) => envelope.causationId ?? 'null'),
        of(({ envelope }) => envelope.timestamp),
        events.map(({ event }) => event.payloadJson).join('\n'),
        events.map(({ event }) => event.metadataJson ?? '').join('\n'),
      ],
    } as QueryArrayConfig)
    return rows.map((row) => row[2] !== null)
  }

  async #intern(name: string): Promise<void> {
    if (this.#types.has(name)) return
    const { rows } = await this.#client.query<{ id: number }>(
      'insert into twin.event_types (name) values ($1) on conflict (name) do update set name = excluded.name returning id',
      [name],
    )
    this.#types.set(name, rows[0]?.id ?? 0)
  }
}
