import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgres } from '@tidings/postgres'
import { newId } from 'tidings'

export interface FreshLog {
  readonly address: string
  /** With all that is in it. */
  remove(): Promise<void>
}

/** A log that nobody else has: where an address is of a database, a schema in it, else a file. */
export async function freshLog(address: string): Promise<FreshLog> {
  return address.startsWith('sqlite:') ? freshFile() : freshSchema(address)
}

async function freshFile(): Promise<FreshLog> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-smoke-'))
  return {
    address: `sqlite:${join(folder, 'todo.db')}`,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

async function freshSchema(address: string): Promise<FreshLog> {
  const schema = `tidings_smoke_${newId().replaceAll('-', '_')}`
  const url = new URL(address)
  url.searchParams.set('schema', schema)
  return {
    address: url.href,
    async remove() {
      await using log = postgres({ connection: url.href })
      await log.transaction(({ client }) => client.query(`drop schema ${schema} cascade`))
    },
  }
}
