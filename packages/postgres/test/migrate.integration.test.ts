import { migrateSchema, postgres } from '@tidings/postgres'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inSchema } from '../src/schema/in-schema.ts'
import { migrations, SCHEMA_NUMBER } from '../src/schema/migrations.ts'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
let admin: pg.Client

beforeAll(async () => {
  database = await createDatabase('migrate')
  admin = new pg.Client(database.url)
  await admin.connect()
})
afterAll(async () => {
  await admin.end()
  await database.drop()
})

const at = (schema: string) => ({ connection: database.url, schema })

/** A log as the version wrote it that knew so many steps. */
async function makeOld(schema: string, number: number): Promise<void> {
  await admin.query(`create schema ${schema}`)
  await admin.query(
    `create table ${schema}.schema_version (number integer primary key, minimum_reader integer not null, at timestamptz not null, by text not null)`,
  )
  for (const step of migrations.slice(0, number)) {
    await admin.query(inSchema(step.sql, schema))
    await admin.query(
      `insert into ${schema}.schema_version values ($1, $2, now(), 'tidings old')`,
      [step.number, step.minimumReader],
    )
  }
}

/** Everything in a schema, as text, without its name. */
async function formOf(schema: string): Promise<readonly string[]> {
  const { rows } = await admin.query<{ thing: string }>(
    `select thing from (
       select 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text || a.attidentity::text as thing
         from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = $1::regnamespace and a.attnum > 0
       union all select 'class ' || relname || ' ' || relkind::text || relpersistence::text || coalesce(reloptions::text, '') from pg_class where relnamespace = $1::regnamespace
       union all select 'function ' || pg_get_functiondef(oid) from pg_proc where pronamespace = $1::regnamespace
       union all select 'index ' || pg_get_indexdef(indexrelid) from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace = $1::regnamespace
       union all select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = $1::regnamespace
     ) t`,
    [schema],
  )
  const own = new RegExp(`"?\\b${schema}\\b"?`, 'g')
  return rows.map(({ thing }) => thing.replaceAll(own, 'SCHEMA')).toSorted()
}

async function exists(schema: string): Promise<boolean> {
  const { rowCount } = await admin.query('select from pg_namespace where nspname = $1', [schema])
  return rowCount === 1
}

test('shows the SQL and changes nothing; run by hand it makes the same', async () => {
  const shown = await migrateSchema(at('by_hand'), { dryRun: true })
  expect(await exists('by_hand')).toBe(false)
  expect(shown).toMatchObject({ from: 0, to: SCHEMA_NUMBER })
  expect(shown.steps).toHaveLength(SCHEMA_NUMBER)
  await admin.query(shown.script)
  const done = await migrateSchema(at('by_itself'))
  expect(done).toMatchObject({ from: 0, to: SCHEMA_NUMBER })
  expect(await formOf('by_hand')).toEqual(await formOf('by_itself'))
  expect((await formOf('by_hand')).length).toBeGreaterThan(100)
  expect(await migrateSchema(at('by_hand'))).toMatchObject({ steps: [], script: '' })
  await using store = postgres({ ...at('by_hand'), migrate: 'check' })
  await store.append([appendTo('1', makeEvent('1'))])
})

test.each(migrations.slice(0, -1).map(({ number }) => number))(
  'brings a log of form %i to that of this version, with what is in it',
  async (number) => {
    const schema = `old_${number}`
    await makeOld(schema, number)
    await using strict = postgres({ ...at(schema), migrate: 'check' })
    await expect(strict.open()).rejects.toMatchObject({
      code: 'TIDINGS_STORE_TOO_OLD',
      message: expect.stringContaining(`schema ${number};`) as unknown,
    })
    const neighbour = await migrateSchema(at(`beside_${number}`))
    expect(neighbour.from).toBe(0)
    const report = await migrateSchema(at(schema))
    expect(report).toMatchObject({ from: number, to: SCHEMA_NUMBER })
    expect(report.steps.map((step) => step.number)).toEqual(
      migrations.slice(number).map((step) => step.number),
    )
    expect(report.minimumReader).toBe(Math.max(...migrations.map((step) => step.minimumReader)))
    expect(await formOf(schema)).toEqual(await formOf(`beside_${number}`))
    await strict.append([appendTo('1', makeEvent('1'))])
  },
)

test('of eight at once one does it', async () => {
  const reports = await Promise.all(Array.from({ length: 8 }, () => migrateSchema(at('crowd'))))
  expect(reports.filter(({ steps }) => steps.length > 0)).toHaveLength(1)
})

test('opening may be told to refuse: where there is no log, too', async () => {
  await using store = postgres({ ...at('none'), migrate: 'check' })
  await expect(store.open()).rejects.toMatchObject({ code: 'TIDINGS_STORE_MISSING' })
  expect(await exists('none')).toBe(false)
  await migrateSchema(at('none'))
  expect(await store.head()).toBe(0)
  const wrong = { ...at('none'), migrate: 'later' as 'auto' }
  expect(() => postgres(wrong)).toThrow("'migrate' is 'auto' or 'check'")
})

test('a log of a newer version is left alone, unless it says that this one may go on', async () => {
  await migrateSchema(at('newer'))
  await admin.query(`insert into newer.schema_version values (99, 99, now(), 'tidings 9')`)
  await expect(migrateSchema(at('newer'))).rejects.toMatchObject({ code: 'TIDINGS_STORE_TOO_NEW' })
  await admin.query('update newer.schema_version set minimum_reader = 1 where number = 99')
  expect(await migrateSchema(at('newer'))).toMatchObject({ from: 99, to: 99, steps: [] })
})
