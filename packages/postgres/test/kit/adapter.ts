import pg from 'pg'
import { postgres, type PostgresOptions, type PostgresStore } from '@tidings/postgres'
import type { StoreAdapter } from '@tidings/testing'
import { copySchema } from './copy-schema.ts'
import { createDatabase, type TestDatabase } from './server.ts'

/** A schema of its own for each log, in one database for all of them. */
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
  let database: Promise<TestDatabase> | undefined
  let logs = 0
  return {
    name: 'PostgreSQL',
    shared: true,
    sql: true,
    async createLog(clock) {
      database ??= createDatabase('conformance')
      const { url } = await database
      const schema = `log_${++logs}`
      const openSchema = async (schema: string): Promise<PostgresStore> => {
        // Tables of the scenario's own go into the same schema.
        const connection = { connectionString: url, options: `-c search_path=${schema}` }
        const store = postgres({ connection, schema, connections: 6, clock, ...options })
        await store.open()
        await alter?.(url, schema)
        return store
      }
      return {
        open: () => openSchema(schema),
        async restore() {
          await openSchema(`${schema}_copy`).then((store) => store.close())
          await copySchema(url, schema, `${schema}_copy`)
          return openSchema(`${schema}_copy`)
        },
        remove: () => dropSchemas(url, [schema, `${schema}_copy`]),
      }
    },
    async drop() {
      await (await database)?.drop()
    },
  }
}

async function dropSchemas(url: string, schemas: readonly string[]): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    for (const schema of schemas) await client.query(`drop schema if exists ${schema} cascade`)
  } finally {
    await client.end()
  }
}
