import type { Connection, RowStatement } from './connection.ts'

export type NameTable = 'event_types' | 'topics' | 'command_types' | 'schema_hashes'

/**
 * Names that the log keeps as small numbers, as one connection knows them. What a transaction adds
 * counts only once it is committed.
 */
export class Names {
  readonly #connection: Connection
  readonly #table: NameTable
  readonly #ids = new Map<string, number>()
  readonly #names = new Map<number, string>()
  #added: string[] = []
  #readTo = 0

  constructor(connection: Connection, table: NameTable) {
    this.#connection = connection
    this.#table = table
  }

  /** The number of a name, given to it now if it has none. Within a transaction only. */
  intern(name: string): number {
    const known = this.find(name)
    if (known !== undefined) return known
    const { lastInsertRowid } = this.#connection
      .statement(`insert into ${this.#table} (name) values (?)`)
      .run(name)
    const id = Number(lastInsertRowid)
    this.#added.push(name)
    this.#keep(name, id)
    return id
  }

  find(name: string): number | undefined {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const row = this.#rows('where name = ?').get(name)
    if (row === undefined) return undefined
    this.#keep(name, row[0] as number)
    return row[0] as number
  }

  /** @throws when the log refers to a name that is not there: it is damaged */
  nameOf(id: number): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const row = this.#rows('where id = ?').get(id)
    if (row === undefined)
      throw new Error(`${this.#table} has no row ${id}, but the log refers to it.`)
    this.#keep(row[1] as string, id)
    return row[1] as string
  }

  /** All of them. A name is never taken back, so only those that came since are read. */
  all(): ReadonlyMap<number, string> {
    for (const [id, name] of this.#rows('where id > ? order by id').all(this.#readTo)) {
      this.#keep(name as string, id as number)
      this.#readTo = id as number
    }
    return this.#names
  }

  /** Whether it holds names that are not committed yet. */
  get hasAdded(): boolean {
    return this.#added.length > 0
  }

  committed(): void {
    if (this.#added.length > 0) this.#added = []
  }

  rolledBack(): void {
    if (this.#added.length === 0) return
    for (const name of this.#added) {
      this.#names.delete(this.#ids.get(name) as number)
      this.#ids.delete(name)
    }
    this.#added = []
  }

  #keep(name: string, id: number): void {
    this.#ids.set(name, id)
    this.#names.set(id, name)
  }

  #rows(condition: string): RowStatement {
    return this.#connection.rows(`select id, name from ${this.#table} ${condition}`)
  }
}

/** The names of one connection. */
export interface NameTables {
  readonly eventTypes: Names
  readonly topics: Names
  readonly commandTypes: Names
  readonly schemaHashes: Names
}

export function openNames(connection: Connection): NameTables {
  return {
    eventTypes: new Names(connection, 'event_types'),
    topics: new Names(connection, 'topics'),
    commandTypes: new Names(connection, 'command_types'),
    schemaHashes: new Names(connection, 'schema_hashes'),
  }
}
