import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { postgres } from '@tidings/postgres'
import { sealEnvelope, type SealedEvent } from 'tidings'
import { expect, onTestFinished, test } from 'vitest'
import { runAs } from './kit/binaries.ts'
import { initServer, startServer } from './kit/run-server.ts'
import { appendTo, makeEvent } from './kit/sample.ts'

/** A fresh database takes 8 MB. */
const SIZE = '24m'
const BALLAST_BYTES = 4_000_000

/** @returns why it cannot be mounted; undefined: it is, until the test has ended */
function mountSmall(folder: string): string | undefined {
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'tmpfs', folder], {
      stdio: 'pipe',
    })
  } catch (error) {
    return String(error)
  }
  const { uid, gid } = runAs()
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  return undefined
}

/** An event that cannot be made smaller. */
function bigEvent(id: string): SealedEvent {
  const { envelope } = makeEvent(id)
  return sealEnvelope(
    { ...envelope, payload: { text: randomBytes(60_000).toString('base64') } },
    undefined,
  )
}

test('a disk that is full: what is acknowledged is there, the error says so, and with room again it goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-full-'))
  const small = join(folder, 'small')
  const reason = mountSmall(small)
  if (reason !== undefined) {
    rmSync(folder, { recursive: true })
    // Only a user who may mount can see this.
    console.warn(
      `NOT SHOWN: what a full disk does to PostgreSQL. Nothing can be mounted here: ${reason}`,
    )
    expect(reason).toMatch(/mount/)
    return
  }
  await initServer(folder)
  const server = await startServer(folder)
  onTestFinished(async () => {
    await server.stop()
    execFileSync('umount', ['--lazy', small])
    rmSync(folder, { recursive: true })
  })
  const ballast = join(small, 'ballast')
  writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES))
  const client = new pg.Client(server.url)
  await client.connect()
  await client.query(`create tablespace small location '${small}'`)
  await client.query('create database small tablespace small')
  await client.end()
  const url = new URL(server.url)
  url.pathname = '/small'
  const store = postgres(url.href)
  await store.transaction((tx) => tx.sql`create table rows (id uuid primary key)`)
  const acknowledged: string[] = []
  const append = async (): Promise<void> => {
    const event = bigEvent('big')
    const { eventId } = event.envelope
    if (acknowledged.length % 2 === 0) await store.append([appendTo('big', event)])
    else {
      await store.transaction(async (tx) => {
        await tx.sql`insert into rows values (${eventId}::uuid)`
        await tx.append([appendTo('big', event)])
      })
    }
    acknowledged.push(eventId)
  }
  const fill = async (): Promise<never> => {
    for (;;) await append()
  }
  await expect(fill()).rejects.toMatchObject({ code: 'TIDINGS_STORE_FULL' })
  const full = acknowledged.length
  expect(full).toBeGreaterThan(5)
  const ids = async () => (await store.readAll().toArray()).map(({ eventId }) => eventId)
  expect(await ids()).toEqual(acknowledged)
  rmSync(ballast)
  for (let n = 0; n < 10; n++) await append()
  expect(await ids()).toEqual(acknowledged)
  const rows = await store.transaction((tx) => tx.sql<{ id: string }>`select id::text from rows`)
  expect(new Set(rows.map(({ id }) => id))).toEqual(
    new Set(acknowledged.filter((_, index) => index % 2 === 1)),
  )
  expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
  console.log(
    `the disk was full after ${full} events, all there; ${acknowledged.length} in the end`,
  )
  await store.close()
})
