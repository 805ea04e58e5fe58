import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { announce, untilAnnounced } from './announcements.ts'
import { serverFolder } from './server-folder.ts'

/** A server that tests may use: `DATABASE_URL`, or one of this run's own that the first to ask starts. */
async function serverUrl(): Promise<string> {
  const given = process.env['DATABASE_URL']
  if (given !== undefined) return given
  const folder = serverFolder()
  if (isFirst(folder)) start(folder)
  const [name, text] = await untilAnnounced(folder, 'url', 'error')
  if (name === 'error') throw new Error(text)
  return text
}

function isFirst(folder: string): boolean {
  try {
    mkdirSync(join(folder, 'started'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

function start(folder: string): void {
  const log = join(folder, 'supervisor.log')
  const supervisor = spawn(process.execPath, [join(import.meta.dirname, 'supervisor.ts'), folder], {
    detached: true,
    stdio: ['ignore', 'ignore', openSync(log, 'a')],
  })
  announce(folder, 'supervisor', String(supervisor.pid))
  // One that does not even start says nothing, and all would wait for it.
  supervisor.once('exit', (code) => {
    if (code !== 0) announce(folder, 'error', readFileSync(log, 'utf8'))
  })
  supervisor.unref()
}

/** A database that nobody else uses. */
export interface TestDatabase {
  readonly url: string
  /** Disconnects whoever is still connected, and drops it. */
  drop(): Promise<void>
}

/** @param name begins the name of the database, for those who look at a server */
export async function createDatabase(name: string): Promise<TestDatabase> {
  const server = await serverUrl()
  const database = `${name}_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  await onServer(server, `create database ${pg.escapeIdentifier(database)}`)
  const url = new URL(server)
  url.pathname = `/${database}`
  return {
    url: url.href,
    drop: () => onServer(server, `drop database ${pg.escapeIdentifier(database)} with (force)`),
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
