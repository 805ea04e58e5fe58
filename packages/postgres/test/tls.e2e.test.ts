import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import pg from 'pg'
import { generate } from 'selfsigned'
import { postgres, type PostgresConnection, type PostgresStore } from '@tidings/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runAs } from './kit/binaries.ts'
import { initServer, startServer, WITH_PASSWORD, type Server } from './kit/run-server.ts'
import { appendTo, makeEvent } from './kit/sample.ts'

const PASSWORD = 'the right one'

const folder = mkdtempSync(join(tmpdir(), 'tidings-tls-'))
const certificate = join(folder, 'server.crt')
const opened: PostgresStore[] = []
let server: Server
let port: number

beforeAll(async () => {
  await initServer(folder)
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
  })
  writeForServer('server.crt', cert)
  writeForServer('server.key', key)
  // The first line that fits decides: over the network only with TLS and a password.
  const rules = join(folder, 'data', 'pg_hba.conf')
  const own = `hostssl all ${WITH_PASSWORD} all scram-sha-256\nhost all all all reject\n`
  writeFileSync(rules, own + readFileSync(rules, 'utf8'))
  port = await findPort()
  server = await startServer(folder, undefined, {
    listen_addresses: 'localhost',
    port: String(port),
    ssl: 'on',
    ssl_cert_file: certificate,
    ssl_key_file: join(folder, 'server.key'),
  })
  // Its socket is named after its port.
  const url = new URL(server.url)
  url.port = String(port)
  const admin = new pg.Client(url.href)
  await admin.connect()
  await admin.query(`create role ${WITH_PASSWORD} login password '${PASSWORD}'`)
  await admin.query(`create schema guarded authorization ${WITH_PASSWORD}`)
  await admin.end()
})
afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()))
  await server.stop()
  rmSync(folder, { recursive: true })
})

/** Only its owner may read a key, or the server does not start. */
function writeForServer(name: string, text: string): void {
  const { uid, gid } = runAs()
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}

/** PostgreSQL takes none that is given as 0. */
async function findPort(): Promise<number> {
  const probe = createServer().listen(0, 'localhost')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

function open(connection: Partial<PostgresConnection>): PostgresStore {
  const at = { host: 'localhost', port, database: 'postgres' }
  const as = { user: WITH_PASSWORD, password: PASSWORD }
  const store = postgres({ connection: { ...at, ...as, ...connection }, schema: 'guarded' })
  opened.push(store)
  return store
}

async function encryptedSessions(store: PostgresStore): Promise<unknown> {
  const [row] = await store.transaction(
    (tx) => tx.sql<{ readonly encrypted: boolean; readonly many: boolean }>`
      select bool_and(ssl) as encrypted, count(*) > 1 as many
      from pg_stat_ssl join pg_stat_activity using (pid) where usename = ${WITH_PASSWORD}`,
  )
  return row
}

test('with TLS and SCRAM, bound to the channel, each connection is encrypted', async () => {
  const ca = readFileSync(certificate, 'utf8')
  const store = open({ ssl: { ca }, enableChannelBinding: true })
  await store.append([appendTo('1', makeEvent('1'))])
  expect(await store.head()).toBe(1)
  expect(await encryptedSessions(store)).toEqual({ encrypted: true, many: true })
})

test('as an address says it', async () => {
  const url = new URL(`postgres://localhost:${port}/postgres`)
  url.username = WITH_PASSWORD
  url.password = PASSWORD
  url.searchParams.set('sslmode', 'verify-full')
  url.searchParams.set('sslrootcert', certificate)
  const store = postgres({ connection: url.href, schema: 'guarded' })
  opened.push(store)
  await store.append([appendTo('2', makeEvent('2'))])
  expect(await encryptedSessions(store)).toMatchObject({ encrypted: true })
})

test('a certificate that nobody vouches for is refused, and who comes without TLS or without a password', async () => {
  const failure = async (connection: Partial<PostgresConnection>): Promise<unknown> => {
    const error: unknown = await open(connection)
      .open()
      .catch((error: unknown) => error)
    expect(inspect(error, { depth: 10 })).not.toContain(PASSWORD)
    return error
  }
  expect(await failure({ ssl: true })).toMatchObject({
    code: 'TIDINGS_STORE_UNREACHABLE',
    retryable: false,
    message: expect.stringContaining('`sslrootcert`') as string,
  })
  expect(await failure({ ssl: false })).toMatchObject({
    code: 'TIDINGS_STORE_REFUSED',
    retryable: false,
  })
  // `pg` itself finds it missing, and has no code for that.
  const ca = readFileSync(certificate, 'utf8')
  expect(await failure({ ssl: { ca }, password: undefined })).toMatchObject({
    code: 'TIDINGS_STORE_REFUSED',
    retryable: false,
    message: expect.stringContaining('password') as string,
  })
})
