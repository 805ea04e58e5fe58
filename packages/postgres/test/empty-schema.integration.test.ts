import { postgres } from '@tidings/postgres'
import { runScenario, storeScenarios, type StoreAdapter } from '@tidings/testing'
import pg from 'pg'
import { expect, test } from 'vitest'
import { emptySchema, relationsOf } from './kit/empty-schema.ts'
import { createDatabase } from './kit/server.ts'

/** Together they write to every table that scenarios write to, and make one of their own. */
const writing = ['B01', 'B20', 'B40', 'B44', 'B46', 'B80', 'B81', 'B82', 'B83', 'B93', 'B94']
const withConnections = ['C08', 'D02', 'D05', 'D20', 'D32']

/** Everything that is in the tables of a schema and in what they count by, without when it was made. */
async function contentOf(client: pg.Client, schema: string): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {}
  for (const name of [...(await relationsOf(client, schema))].toSorted()) {
    const { rows } = await client.query<{ kind: string }>(
      'select relkind as kind from pg_class where oid = $1::regclass',
      [`${schema}.${name}`],
    )
    const kind = rows[0]?.kind
    if (kind === 'S')
      content[name] = (
        await client.query(`select last_value, is_called from ${schema}.${name}`)
      ).rows
    else if (kind === 'r' && name !== 'schema_version')
      content[name] = (await client.query(`select * from ${schema}.${name}`)).rows
    else content[name] = kind
  }
  return content
}

test('a log that is emptied is as a new one, whatever scenarios have done with it', async () => {
  const database = await createDatabase('empty')
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    await using fresh = postgres({ connection: database.url, schema: 'fresh' })
    await fresh.open()
    const own = await relationsOf(client, 'fresh')
    const used = new Set<string>()
    const adapter: StoreAdapter = {
      name: 'PostgreSQL',
      shared: true,
      sql: true,
      createLog: (clock) => ({
        async open() {
          const connection = { connectionString: database.url, options: '-c search_path=used' }
          const store = postgres({ connection, schema: 'used', clock })
          await store.open()
          return store
        },
        async remove() {
          const left = await contentOf(client, 'used')
          for (const [name, rows] of Object.entries(left))
            if (Array.isArray(rows) && rows.length > 0) used.add(name)
          await emptySchema(client, 'used', own)
          expect(await contentOf(client, 'used')).toEqual(await contentOf(client, 'fresh'))
        },
      }),
    }
    const chosen = new Set([...writing, ...withConnections])
    const scenarios = storeScenarios.filter(({ id }) => chosen.has(id))
    for (const scenario of scenarios) await runScenario(scenario, adapter)
    expect(scenarios).toHaveLength(chosen.size)
    expect(used.size).toBeGreaterThanOrEqual(25)
    expect(used).toContain('sample_rows')
  } finally {
    await client.end()
    await database.drop()
  }
})
