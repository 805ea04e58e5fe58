import pg from 'pg'
import { postgres, type PostgresOptions, type PostgresStore } from '@tidings/postgres'
import type { StoreAdapter } from '@tidings/testing'
import { copySchema } from './copy-schema.ts'
import { emptySchema, relationsOf } from './empty-schema.ts'
import { createDatabase } from './server.ts'

/** A log for each scenario, in a schema of one database for all of them. */
export interface PostgresAdapter extends StoreAdapter {
  drop(): Promise<void>
}

/**
 * @param options what its stores are opened with besides
 * @param alter changes a schema whenever it was opened
 */
export function postgresAdapter(
  options: Partial<PostgresOptions> = {},
  alter?: (url: string, schema: string) => Promise<void>,
): PostgresAdapter {
  let place: Promise<Place> | undefined
  return {
    name: 'PostgreSQL',
    shared: true,
    sql: true,
    async createLog(clock) {
      place ??= Place.create()
      const logs = await place
      const schema = await logs.lend()
      const openSchema = async (schema: string): Promise<PostgresStore> => {
        // Tables of the scenario's own go into the same schema.
        const connection = { connectionString: logs.url, options: `-c search_path=${schema}` }
        const store = postgres({ connection, schema, connections: 6, clock, ...options })
        await store.open()
        await alter?.(logs.url, schema)
        return store
      }
      return {
        open: () => openSchema(schema),
        async restore() {
          await openSchema(`${schema}_copy`).then((store) => store.close())
          await copySchema(logs.url, schema, `${schema}_copy`)
          return openSchema(`${schema}_copy`)
        },
        remove: () => logs.giveBack(schema),
      }
    },
    async drop() {
      await (await place)?.drop()
    },
  }
}

/** A database with empty logs, each of which one scenario has after the other. */
class Place {
  readonly url: string
  readonly drop: () => Promise<void>
  readonly #client: pg.Client
  readonly #idle: string[] = []
  /** The relations of a log that nobody has used yet. */
  #own: ReadonlySet<string> = new Set()
  #made = 0

  private constructor(url: string, client: pg.Client, drop: () => Promise<void>) {
    this.url = url
    this.drop = drop
    this.#client = client
  }

  static async create(): Promise<Place> {
    const database = await createDatabase('conformance')
    const client = new pg.Client(database.url)
    await client.connect()
    return new Place(database.url, client, async () => {
      await client.end()
      await database.drop()
    })
  }

  async lend(): Promise<string> {
    return this.#idle.pop() ?? this.#make()
  }

  async #make(): Promise<string> {
    const schema = `log_${++this.#made}`
    await using store = postgres({ connection: this.url, schema })
    await store.open()
    this.#own = await relationsOf(this.#client, schema)
    return schema
  }

  async giveBack(schema: string): Promise<void> {
    await this.#client.query(`drop schema if exists ${schema}_copy cascade`)
    await emptySchema(this.#client, schema, this.#own)
    this.#idle.push(schema)
  }
}
