/**
 * What a careful team would write by hand on node:sqlite for the same promises: the same columns,
 * indexes and durability as our own store, version check, monotone recorded_at, one transaction for
 * the appends of one turn of the event loop. No contracts, no idempotency, no events beyond rows.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { PRAGMAS, SCHEMA } from './sqlite-schema.ts'

/** One event as the twin takes it: columns, nothing to work out. */
export interface RawEvent {
  readonly eventId: string
  readonly eventType: string
  readonly eventVersion: number
  readonly key: string | null
  readonly tenant: string | null
  readonly class: string
  readonly correlationId: string
  readonly causationId: string | null
  readonly occurredAt: number
  readonly payload: string
  readonly metadata: string | null
  readonly schemaHash: string | null
}

export interface RawCommand {
  readonly commandId: string
  readonly type: string
  readonly correlationId: string
  readonly createdAt: number
  readonly requestHash: string
}

export interface RawAppend {
  readonly stream: string
  readonly expected: number
  readonly events: readonly RawEvent[]
  readonly command: RawCommand | undefined
}

export interface RawResult {
  readonly version: number
  readonly positions: readonly number[]
  readonly recordedAt: number
}

interface Waiting {
  readonly append: RawAppend
  readonly resolve: (result: RawResult) => void
  readonly reject: (error: Error) => void
}

export function openRawDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  for (const pragma of PRAGMAS) database.exec(`pragma ${pragma}`)
  database.exec(SCHEMA)
  return database
}

/** open → closed. Appends wait in `#queue` for the end of the turn, then share one transaction. */
export class RawLog {
  readonly database: DatabaseSync
  readonly #grouped: boolean
  #queue: Waiting[] = []
  readonly #names = {
    event_types: new Map<string, number>(),
    command_types: new Map<string, number>(),
    schema_hashes: new Map<string, number>(),
  }
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #lastTime: StatementSync
  readonly #version: StatementSync
  readonly #insert: StatementSync
  readonly #insertCommand: StatementSync

  constructor(file: string, options: { readonly grouped: boolean }) {
    this.database = openRawDatabase(file)
    this.#grouped = options.grouped
    const prepare = (sql: string): StatementSync => this.database.prepare(sql)
    this.#begin = prepare('begin immediate')
    this.#commit = prepare('commit')
    this.#lastTime = prepare('select recorded_at from event_log order by position desc limit 1')
    this.#version = prepare('select max(version) as version from event_log where stream = ?')
    this.#insert = prepare(
      `insert into event_log (stream, version, event_id, event_type, event_version, topic, key, tenant, class,
         correlation_id, causation_id, occurred_at, recorded_at, schema, payload, metadata)
       values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
    )
    this.#insertCommand = prepare(
      `insert into commands (command_id, type, correlation_id, causation_id, actor, created_at, request_hash,
         outcome, stream, stream_version, first_position, last_position, result)
       values (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
    )
    for (const statement of [this.#lastTime, this.#version]) statement.setReturnArrays(true)
  }

  append(append: RawAppend): Promise<RawResult> {
    if (!this.#grouped) return this.#appendAlone(append)
    return new Promise((resolve, reject) => {
      if (this.#queue.length === 0) setImmediate(() => this.#flush())
      this.#queue.push({ append, resolve, reject })
    })
  }

  close(): void {
    this.database.close()
  }

  /** One transaction for one append, as a program without group commit does it. */
  async #appendAlone(append: RawAppend): Promise<RawResult> {
    this.#begin.run()
    const result = this.#write(append, this.#recordedAt())
    this.#commit.run()
    if (result instanceof Error) throw result
    return result
  }

  #flush(): void {
    const batch = this.#queue
    this.#queue = []
    this.#begin.run()
    const recordedAt = this.#recordedAt()
    const results = batch.map(({ append }) => this.#write(append, recordedAt))
    this.#commit.run()
    for (const [index, { resolve, reject }] of batch.entries()) {
      const result = results[index]
      if (result instanceof Error) reject(result)
      else if (result !== undefined) resolve(result)
    }
  }

  #recordedAt(): number {
    const row = this.#lastTime.get() as unknown as [number] | undefined
    return Math.max(Date.now(), row?.[0] ?? 0)
  }

  #write(append: RawAppend, recordedAt: number): RawResult | Error {
    const [found] = this.#version.get(append.stream) as unknown as [number | null]
    let version = found ?? 0
    if (version !== append.expected) {
      return new Error(`${append.stream} is at ${version}, not at ${append.expected}`)
    }
    const positions: number[] = []
    for (const event of append.events) {
      positions.push(
        this.#insertEvent(event, { stream: append.stream, version: ++version, recordedAt }),
      )
    }
    const result = { version, positions, recordedAt }
    if (append.command !== undefined) this.#writeCommand(append.command, result, append.stream)
    return result
  }

  #insertEvent(
    event: RawEvent,
    at: { readonly stream: string; readonly version: number; readonly recordedAt: number },
  ): number {
    const { lastInsertRowid } = this.#insert.run(
      at.stream,
      at.version,
      event.eventId,
      this.#nameId('event_types', event.eventType),
      event.eventVersion,
      null,
      event.key,
      event.tenant,
      event.class,
      event.correlationId,
      event.causationId,
      event.occurredAt,
      at.recordedAt,
      event.schemaHash === null ? null : this.#nameId('schema_hashes', event.schemaHash),
      event.payload,
      event.metadata,
    )
    return Number(lastInsertRowid)
  }

  #writeCommand(command: RawCommand, result: RawResult, stream: string): void {
    this.#insertCommand.run(
      command.commandId,
      this.#nameId('command_types', command.type),
      command.correlationId,
      null,
      null,
      command.createdAt,
      command.requestHash,
      'done',
      stream,
      result.version,
      result.positions.at(0) ?? null,
      result.positions.at(-1) ?? null,
      null,
    )
  }

  #nameId(table: 'event_types' | 'command_types' | 'schema_hashes', name: string): number {
    const names = this.#names[table]
    const known = names.get(name)
    if (known !== undefined) return known
    const { id } = this.database
      .prepare(`insert into ${table} (name) values (?) returning id`)
      .get(name) as {
      id: number
    }
    names.set(name, id)
    return id
  }
}
