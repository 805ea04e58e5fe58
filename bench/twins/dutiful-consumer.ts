/**
 * The consumer by hand with one duty of a subscription after the other, to see what each of them costs
 * whoever does it: the most that ours can be compared with is the last.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { existsSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { RawConsumer, type LogRow } from './consumer.ts'
import { PRAGMAS } from './sqlite-schema.ts'

/** Each comes to those before it. */
export const DUTIES = [
  /** Reads what is committed, on a connection of its own, in pages that hold up others for 10 ms. */
  'own reader',
  /** Makes an event of each row: names, times, payload, metadata, frozen. */
  'envelopes',
  /** Hands it to an async function with a context, whose statement is awaited. */
  'async handler',
  /** In a frame, so that what is sent or appended knows its cause. */
  'frame',
  /** Those of a key one after the other, the keys side by side; one that is too late is cut off. */
  'order, deadline',
  /** The mark moves under a token, what ran ahead is swept, and the file is still the same. */
  'fence, file',
] as const
export type Duty = (typeof DUTIES)[number]

interface Event {
  readonly eventId: string
  readonly eventType: string
  readonly timestamp: string
  readonly payload: { readonly grams: number; readonly depot: string }
  readonly position: number
  readonly key: string
}

interface Context {
  readonly event: Event
  sql(grams: number, depot: string): Promise<readonly unknown[]>
}

const PAGE = 512
const PER_TRANSACTION = 512

/** As a user writes it. */
async function handle({ payload: { grams, depot } }: Event, ctx: Context): Promise<void> {
  await ctx.sql(grams, depot)
}

export class DutifulConsumer {
  readonly #file: string
  readonly #raw: RawConsumer
  readonly #duties: ReadonlySet<Duty>
  readonly #reader: DatabaseSync
  readonly #page: StatementSync
  readonly #effect: StatementSync
  readonly #move: readonly StatementSync[]
  readonly #types: ReadonlyMap<number, string>
  readonly #frames = new AsyncLocalStorage<Event>()
  readonly #inode: number

  constructor(file: string, upTo: Duty) {
    this.#file = file
    this.#raw = new RawConsumer(file)
    this.#duties = new Set(DUTIES.slice(0, DUTIES.indexOf(upTo) + 1))
    this.#inode = statSync(file).ino
    const { database } = this.#raw
    this.#reader = new DatabaseSync(file)
    for (const pragma of PRAGMAS) this.#reader.exec(`pragma ${pragma}`)
    const columns =
      'position, stream, version, event_id, event_type, event_version, correlation_id, causation_id, occurred_at, recorded_at, schema, payload, metadata, topic, key'
    this.#page = this.#reader.prepare(
      `select ${columns} from event_log where position > ? order by position limit ${PAGE}`,
      { returnArrays: true },
    )
    this.#effect = database.prepare('insert into bench_effects values (?, ?)')
    this.#move = [
      'update bench_marks set position = ? where name = ? and position = ?',
      "delete from done_ahead where subscription = 'twin' and generation = 1 and position <= ?",
      "delete from begun where subscription = 'twin' and generation = 1 and position <= ?",
    ].map((sql) => database.prepare(sql))
    const names = database.prepare('select id, name from event_types').all()
    this.#types = new Map(names.map(({ id, name }) => [id as number, name as string]))
  }

  async run(): Promise<number> {
    let handled = 0
    for (;;) {
      const rows = this.#page.all(this.#raw.position) as unknown as readonly LogRow[]
      for (let first = 0; first < rows.length; first += PER_TRANSACTION) {
        await this.#handle(rows.slice(first, first + PER_TRANSACTION))
      }
      handled += rows.length
      if (rows.length < PAGE) return handled
    }
  }

  restart(): void {
    this.#raw.restart()
  }

  close(): void {
    this.#reader.close()
    this.#raw.close()
  }

  async #handle(rows: readonly LogRow[]): Promise<void> {
    const { database } = this.#raw
    const events = rows.map((row) => this.#toEvent(row))
    database.exec('begin immediate')
    if (this.#duties.has('order, deadline')) await this.#inOrder(events)
    else if (this.#duties.has('async handler')) await Promise.all(events.map((e) => this.#call(e)))
    else for (const { payload } of events) this.#effect.run(payload.grams, payload.depot)
    this.#moveTo(events.at(-1)!.position)
    database.exec('commit')
    if (!this.#duties.has('fence, file')) return
    const isSame = statSync(this.#file).ino === this.#inode && existsSync(`${this.#file}-wal`)
    if (!isSame) throw new Error(`${this.#file} is another file now`)
  }

  #toEvent(row: LogRow): Event {
    const payload = JSON.parse(row[11] as string) as Event['payload']
    const stream = row[1] as string
    const slash = stream.indexOf('/')
    if (!this.#duties.has('envelopes')) {
      return { payload, position: row[0] } as unknown as Event
    }
    return Object.freeze({
      eventId: row[3] as string,
      eventType: this.#types.get(row[4] as number)!,
      eventVersion: row[5] as number,
      timestamp: new Date(row[8] as number).toISOString(),
      aggregateType: stream.slice(0, slash),
      aggregateId: stream.slice(slash + 1),
      correlationId: row[6] as string,
      causationId: row[7] as string | null,
      payload,
      metadata: Object.freeze(JSON.parse((row[12] as string | null) ?? '{}') as object),
      streamVersion: row[2] as number,
      position: row[0] as number,
      recordedAt: new Date(row[9] as number).toISOString(),
      key: (row[14] as string | null) ?? stream.slice(slash + 1),
    })
  }

  #call(event: Event): Promise<void> {
    const ctx: Context = {
      event,
      sql: (grams, depot) => {
        this.#effect.run(grams, depot)
        return Promise.resolve([])
      },
    }
    return this.#duties.has('frame')
      ? this.#frames.run(event, () => handle(event, ctx))
      : handle(event, ctx)
  }

  async #inOrder(events: readonly Event[]): Promise<void> {
    const lastOf = new Map<string, Promise<void>>()
    const deadline = Promise.withResolvers<never>()
    const timer = setTimeout(() => deadline.reject(new Error('Too late')), 60_000)
    for (const event of events) {
      const before = lastOf.get(event.key)
      const call = before === undefined ? this.#call(event) : before.then(() => this.#call(event))
      lastOf.set(event.key, call)
    }
    await Promise.race([Promise.all(lastOf.values()), deadline.promise])
    clearTimeout(timer)
  }

  #moveTo(position: number): void {
    const [move, ...sweep] = this.#move
    move!.run(position, 'twin', this.#raw.position)
    if (this.#duties.has('fence, file')) for (const statement of sweep) statement.run(position)
    this.#raw.position = position
  }
}
