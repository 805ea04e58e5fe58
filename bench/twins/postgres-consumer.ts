import { pg, type Client } from '../../packages/postgres/test/kit/raw-client.ts'
import type { LogRow as RecordRow } from './consumer.ts'

const PAGE = 1000
const GROUP = 100

/** In the order that a record is made of; texts as they are stored. */
export const RECORD_COLUMNS = `position, stream, version, event_id, event_type, event_version, correlation_id, causation_id,
  date_part('epoch', occurred_at) * 1000, date_part('epoch', recorded_at) * 1000, schema, payload::text, metadata::text, topic, key`

/** Row of the log: position, payload. */
type LogRow = readonly [string, { readonly grams: number; readonly depot: string }]

/**
 * What a careful team would write by hand to consume the log: a keyset loop, the effects and the mark in
 * one transaction, sent without waiting for each answer. No lanes, no retries, nobody who could take over.
 */
export class RawPostgresConsumer {
  readonly #client: Client
  #position = 0

  private constructor(client: Client) {
    this.#client = client
  }

  static async open(url: string): Promise<RawPostgresConsumer> {
    const client = new pg.Client({ connectionString: url, pipeline: true })
    await client.connect()
    await client.query('create table bench_mark (position bigint not null)')
    await client.query('insert into bench_mark values (0)')
    return new RawPostgresConsumer(client)
  }

  /** @returns how many events it has handled */
  async run(): Promise<number> {
    for (let handled = 0; ;) {
      const { rows } = await this.#client.query<LogRow[]>({
        name: 'page',
        rowMode: 'array',
        text: `select position, stream, version, event_id, event_type, occurred_at, recorded_at, metadata, payload
          from tidings.event_log where position > $1 order by position limit ${PAGE}`,
        values: [this.#position],
      })
      const page = rows as unknown as readonly (readonly unknown[])[]
      if (page.length === 0) return handled
      for (let first = 0; first < page.length; first += GROUP) {
        await this.#handle(page.slice(first, first + GROUP))
      }
      handled += page.length
    }
  }

  /**
   * Reads all there is behind the mark, and writes the mark behind each page while the next one is read: what
   * a relay does beside sending.
   */
  async relay(send: (row: RecordRow) => void): Promise<number> {
    let sent = 0
    let marked: Promise<unknown> = Promise.resolve()
    for (;;) {
      const { rows } = await this.#client.query<unknown[]>({
        name: 'records',
        rowMode: 'array',
        text: `select ${RECORD_COLUMNS} from tidings.event_log where position > $1 order by position limit ${PAGE}`,
        values: [this.#position],
      })
      await marked
      if (rows.length === 0) return sent
      for (const row of rows) send(row as unknown as RecordRow)
      sent += rows.length
      const last = Number((rows.at(-1) as unknown[])[0])
      marked = this.#client.query({
        name: 'mark',
        text: 'update bench_mark set position = $1 where position = $2',
        values: [last, this.#position],
      })
      this.#position = last
    }
  }

  /** The names that a table of the log keeps as numbers. */
  async names(table: 'event_types' | 'topics'): Promise<ReadonlyMap<number, string>> {
    const { rows } = await this.#client.query<{ id: number; name: string }>(
      `select id, name from tidings.${table}`,
    )
    return new Map(rows.map(({ id, name }) => [id, name]))
  }

  async #handle(rows: readonly (readonly unknown[])[]): Promise<void> {
    const last = Number(rows.at(-1)?.[0])
    // Sent in this order.
    const begun = this.#client.query('begin')
    const effects = rows.map((row) => {
      const { grams, depot } = row[8] as LogRow[1]
      return this.#client.query({
        name: 'effect',
        text: 'insert into bench_effects values ($1, $2)',
        values: [grams, depot],
      })
    })
    await Promise.all([
      begun,
      ...effects,
      this.#client.query('update bench_mark set position = $1 where position = $2', [
        last,
        this.#position,
      ]),
      this.#client.query('commit'),
    ])
    this.#position = last
  }

  /** Takes everything back. @returns how many effects there were */
  async restart(): Promise<number> {
    this.#position = 0
    await this.#client.query('update bench_mark set position = 0')
    const { rowCount } = await this.#client.query('delete from bench_effects')
    return rowCount ?? 0
  }

  async close(): Promise<void> {
    await this.#client.end()
  }
}
