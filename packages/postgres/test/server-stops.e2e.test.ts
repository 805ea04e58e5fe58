import { mkdtempSync, rmSync } from 'node:fs'
import { inspect } from 'node:util'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { postgres, type PostgresStore } from '@tidings/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { initServer, startServer, WITH_PASSWORD, type Server } from './kit/run-server.ts'
import { appendTo, makeEvent } from './kit/sample.ts'
import { describeStops, stopUnderLoad } from './kit/stop-under-load.ts'

const STOPS = 8

const folder = mkdtempSync(join(tmpdir(), 'tidings-stops-'))
let server: Server

beforeAll(async () => {
  await initServer(folder)
  server = await startServer(folder)
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

test(`a server that is stopped at once ${STOPS} times under load: what was acknowledged is there, what failed is not`, async () => {
  const totals = await stopUnderLoad(STOPS)
  console.log(describeStops(totals))
  expect(totals.acknowledged).toBeGreaterThan(STOPS * 20)
})

test('a wrong password is refused, and none is in the error', async () => {
  const client = new pg.Client(server.url)
  await client.connect()
  await client.query(`create role ${WITH_PASSWORD} login password 'the right one'`)
  await client.query(`create schema guarded authorization ${WITH_PASSWORD}`)
  await client.end()
  const open = (password: string): PostgresStore => {
    const url = new URL(server.url)
    url.username = WITH_PASSWORD
    url.password = password
    return postgres({ connection: url.href, schema: 'guarded' })
  }
  const wrong = open('hunter2')
  const error: unknown = await wrong.open().catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'TIDINGS_STORE_REFUSED', retryable: false })
  expect(inspect(error, { depth: 10 })).not.toContain('hunter2')
  expect(wrong.location).not.toContain(WITH_PASSWORD)
  const right = open('the right one')
  await right.append([appendTo('1', makeEvent('1'))])
  expect(await right.head()).toBe(1)
  await Promise.all([right.close(), wrong.close()])
})
