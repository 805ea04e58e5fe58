import { explainCommit, postgres, type PostgresStore } from '@tidings/postgres'
import pg from 'pg'
import type { ExpectedVersion, StreamAppend } from 'tidings'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { appendTo, makeEvent } from './sample.ts'
import { createDatabase, type TestDatabase } from './server.ts'

/** A log for each test, with a table `orders` beside it, and clients that are not the store's. */
export class ForeignLog {
  database!: TestDatabase
  admin!: pg.Client
  store!: PostgresStore
  schema = ''
  readonly ends: (() => Promise<unknown>)[] = []
  #count = 0

  async start(): Promise<void> {
    this.database = await createDatabase('foreign')
    this.admin = new pg.Client(this.database.url)
    await this.admin.connect()
  }

  async stop(): Promise<void> {
    await this.admin.end()
    await this.database.drop()
  }

  async next(): Promise<void> {
    this.schema = `log_${++this.#count}`
    this.store = this.open()
    await this.store.open()
    await this.admin.query(`create table ${this.schema}.orders (id text primary key)`)
  }

  async end(): Promise<void> {
    for (const end of this.ends.splice(0).toReversed()) await end()
  }

  /** As another process would. */
  open(): PostgresStore {
    const { url } = this.database
    const opened = postgres({ connection: url, schema: this.schema, connections: 4 })
    this.ends.push(() => opened.close())
    return opened
  }

  /** A client of the user's own. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client(this.database.url)
    // One that is killed says so here; its statements fail.
    client.on('error', () => undefined)
    await client.connect()
    this.ends.push(() => client.end())
    return client
  }

  async begin(level = 'read committed'): Promise<pg.Client> {
    const client = await this.connect()
    await client.query(`begin isolation level ${level}`)
    return client
  }

  async versionOf(id: string): Promise<number> {
    return (await this.store.readStream(`Sample.Counter/${id}`).toArray()).length
  }

  async rowsOf(table: string): Promise<number> {
    const { rows } = await this.admin.query<{ n: number }>(
      `select count(*)::int as n from ${this.schema}.${table}`,
    )
    return rows[0]?.n ?? -1
  }
}

export function useForeignLog(): ForeignLog {
  const log = new ForeignLog()
  beforeAll(() => log.start())
  afterAll(() => log.stop())
  beforeEach(() => log.next())
  afterEach(() => log.end())
  return log
}

export function expecting(id: string, expectedVersion: ExpectedVersion): StreamAppend {
  return { ...appendTo(id, makeEvent(id)), expectedVersion }
}

/** What a COMMIT that must fail says. */
export function failureOf(commit: Promise<unknown>): Promise<unknown> {
  return commit.then(
    () => 'It was committed.',
    (error: unknown) => explainCommit(error),
  )
}
