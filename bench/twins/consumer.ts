/**
 * What a careful team would write by hand to consume the log: a keyset loop over the same columns, the
 * effect and the mark in one transaction. No lanes, no retries, nobody else who could take over.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { PRAGMAS } from './sqlite-schema.ts'

const COLUMNS =
  'position, stream, version, event_id, event_type, event_version, correlation_id, causation_id, occurred_at, recorded_at, schema, payload, metadata, topic, key'

/** A row of the log as an array, in the order of the columns. */
export type LogRow = readonly (string | number | null)[]

export class RawConsumer {
  readonly database: DatabaseSync
  readonly #page: StatementSync
  readonly #mark: StatementSync
  readonly #effect: StatementSync
  position = 0

  constructor(file: string) {
    this.database = new DatabaseSync(file)
    for (const pragma of PRAGMAS) this.database.exec(`pragma ${pragma}`)
    this.database.exec(
      `create table if not exists bench_effects (grams integer not null, depot text not null) strict;
       create table if not exists bench_marks (name text primary key, position integer not null) strict, without rowid;
       insert or ignore into bench_marks values ('twin', 0)`,
    )
    this.#page = this.database.prepare(
      `select ${COLUMNS} from event_log where position > ? order by position limit 1000`,
      { returnArrays: true },
    )
    this.#mark = this.database.prepare('update bench_marks set position = ? where position = ?')
    this.#effect = this.database.prepare('insert into bench_effects values (?, ?)')
  }

  /** Handles all there is, `perTransaction` events and one mark in each. */
  run(perTransaction: number): number {
    let handled = 0
    for (;;) {
      const rows = this.#page.all(this.position) as unknown as readonly LogRow[]
      for (let first = 0; first < rows.length; first += perTransaction) {
        this.#handle(rows.slice(first, first + perTransaction))
      }
      handled += rows.length
      if (rows.length < 1000) return handled
    }
  }

  /** Reads all there is and writes the mark behind each page: what a relay does beside sending. */
  relay(send: (row: LogRow) => void): number {
    let sent = 0
    for (;;) {
      const rows = this.#page.all(this.position) as unknown as readonly LogRow[]
      if (rows.length === 0) return sent
      for (const row of rows) send(row)
      this.#moveTo(rows.at(-1)?.[0] as number)
      sent += rows.length
    }
  }

  restart(): void {
    this.database.exec('update bench_marks set position = 0; delete from bench_effects')
    this.position = 0
  }

  close(): void {
    this.database.close()
  }

  #handle(rows: readonly LogRow[]): void {
    this.database.exec('begin immediate')
    for (const row of rows) {
      const payload = JSON.parse(row[11] as string) as { grams: number; depot: string }
      this.#effect.run(payload.grams, payload.depot)
    }
    this.#moveTo(rows.at(-1)?.[0] as number)
    this.database.exec('commit')
  }

  #moveTo(position: number): void {
    this.#mark.run(position, this.position)
    this.position = position
  }
}

/** A record as a relay sends it. */
export interface RawRecord {
  readonly topic: string
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** Number → name. */
type NameMap = ReadonlyMap<number, string>

/** Where the look at a text goes: V8 leaves out one whose result nobody keeps. */
const look = { last: 0 }

/** Makes the same record of a row that ours makes; the payload goes out as the text that it is kept as. */
export function recordMaker(database: DatabaseSync): (row: LogRow) => RawRecord {
  return recordMakerOf(namesIn(database, 'event_types'), namesIn(database, 'topics'))
}

export function recordMakerOf(types: NameMap, topics: NameMap): (row: LogRow) => RawRecord {
  return (row) => {
    const type = types.get(row[4] as number)!
    const stream = row[1] as string
    const slash = stream.indexOf('/')
    const aggregateId = stream.slice(slash + 1)
    const value = `{"event_id":"${row[3]}","event_type":"${type}","event_version":${row[5]},"timestamp":"${new Date(row[8] as number).toISOString()}","aggregate_type":"${stream.slice(0, slash)}","aggregate_id":${JSON.stringify(aggregateId)},"correlation_id":"${row[6]}","causation_id":${row[7] === null ? 'null' : `"${row[7]}"`},"payload":${row[11]},"metadata":{"version":${row[5]}${membersOf(row[12] as string | null)}},"stream_version":${row[2]},"position":${row[0]},"recorded_at":"${new Date(row[9] as number).toISOString()}"}`
    // One piece, as whoever sends it needs it: a rope of thirty burdens each collection while it is kept.
    look.last = value.charCodeAt(0)
    return {
      topic: topics.get(row[13] as number)!,
      key: (row[14] as string | null) ?? aggregateId,
      value,
      headers: {
        event_id: row[3] as string,
        event_type: type,
        event_version: String(row[5]),
        correlation_id: row[6] as string,
        'content-type': 'application/json',
        position: String(row[0]),
      },
    }
  }
}

/** What a JSON object has in it, to go on with in another. */
function membersOf(json: string | null): string {
  return json === null || json === '{}' ? '' : `,${json.slice(1, -1)}`
}

function namesIn(database: DatabaseSync, table: 'event_types' | 'topics'): Map<number, string> {
  const rows = database.prepare(`select id, name from ${table}`).all()
  return new Map(rows.map(({ id, name }) => [id as number, name as string]))
}
