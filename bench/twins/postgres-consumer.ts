import { pg, type Client } from '../../packages/postgres/test/kit/raw-client.ts'

const PAGE = 1000
const GROUP = 100

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
