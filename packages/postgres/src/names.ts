import type { Connections } from './connections.ts'
import { inSchema, lockOf } from './schema/in-schema.ts'

type NameTable = 'event_types' | 'topics' | 'command_types' | 'schema_hashes'

/**
 * Names that the log keeps as small numbers. They are given out on a connection of their own and
 * committed at once: within a transaction, everybody else who meets the same name would wait for its end.
 * One who gives out has a lock, so that numbers rise in the order of commits, and the rest of a table is
 * all that is behind the last number known.
 */
export class Names {
  readonly #connections: Connections
  readonly #table: string
  readonly #lock: string
  readonly #ids = new Map<string, number>()
  readonly #names = new Map<number, string>()
  #last = 0

  constructor(connections: Connections, schema: string, table: NameTable) {
    this.#connections = connections
    this.#table = `${schema}.${table}`
    this.#lock = inSchema(lockOf(table), schema)
  }

  /** The number of a name that {@link learn} was told of, or that was met before. */
  idOf(name: string): number | undefined {
    return this.#ids.get(name)
  }

  /** Makes sure that each of these names has a number, and that it is known here. */
  async learn(names: Iterable<string>): Promise<void> {
    const missing = [...new Set(names)].filter((name) => !this.#ids.has(name))
    if (missing.length === 0) return
    await this.refresh()
    const unknown = missing.filter((name) => !this.#ids.has(name))
    if (unknown.length > 0) await this.#add(unknown)
  }

  /** @throws when the log refers to a name that is not there: it is damaged */
  nameOf(id: number): string {
    const name = this.#names.get(id)
    if (name === undefined)
      throw new Error(`${this.#table} has no row ${id}, but the log refers to it.`)
    return name
  }

  has(id: number): boolean {
    return this.#names.has(id)
  }

  /** All of them, as they were when this was called, or later. */
  async all(): Promise<ReadonlyMap<number, string>> {
    await this.refresh()
    return this.#names
  }

  async refresh(): Promise<void> {
    const sql = `select id, name from ${this.#table} where id > $1 order by id`
    const rows = await this.#connections.read((session) => session.rows(sql, [this.#last]))
    for (const [id, name] of rows) this.#keep(name as string, id as number)
  }

  async #add(names: readonly string[]): Promise<void> {
    await this.#connections.transact(async (session) => {
      await session.rows(`select pg_advisory_xact_lock(${this.#lock})`)
      await session.run(
        `insert into ${this.#table} (name) select n from unnest($1::text[]) n
         where not exists (select from ${this.#table} t where t.name = n)`,
        [names],
      )
    })
    await this.refresh()
  }

  #keep(name: string, id: number): void {
    this.#ids.set(name, id)
    this.#names.set(id, name)
    this.#last = Math.max(this.#last, id)
  }
}

/** The names of one log. */
export interface NameTables {
  readonly eventTypes: Names
  readonly topics: Names
  readonly commandTypes: Names
  readonly schemaHashes: Names
}

export function openNames(connections: Connections, schema: string): NameTables {
  return {
    eventTypes: new Names(connections, schema, 'event_types'),
    topics: new Names(connections, schema, 'topics'),
    commandTypes: new Names(connections, schema, 'command_types'),
    schemaHashes: new Names(connections, schema, 'schema_hashes'),
  }
}
