import { spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import pg from 'pg'
import { runAs } from './binaries.ts'

/** Where it is installed: `TIDINGS_PGBOUNCER`, or on the path; undefined where it is not. */
export function findPgBouncer(): string | undefined {
  const given = process.env['TIDINGS_PGBOUNCER']
  if (given !== undefined) return given
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.map((folder) => join(folder, 'pgbouncer')).find((file) => existsSync(file))
}

export interface PgBouncer {
  /** The same database, through it. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts PgBouncer in transaction mode in front of a database, on a socket in a folder of its own.
 *
 * @throws {Error} it is not installed, or does not start
 */
export async function startPgBouncer(databaseUrl: string): Promise<PgBouncer> {
  const file = findPgBouncer()
  if (file === undefined) throw new Error('PgBouncer is not installed: apt-get install pgbouncer')
  const folder = mkdtempSync(join(tmpdir(), 'tidings-pgbouncer-'))
  const { host, port, user = '', password, database = '' } = new pg.Client(databaseUrl)
  const secret = typeof password === 'string' ? password : ''
  writeFileSync(join(folder, 'users'), `"${user}" "${secret}"\n`)
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `${database} = host=${host} port=${port} user=${user}${secret === '' ? '' : ` password=${secret}`}`,
      '[pgbouncer]',
      'pool_mode = transaction',
      'default_pool_size = 5',
      `unix_socket_dir = ${folder}`,
      'listen_port = 6432',
      'auth_type = trust',
      `auth_file = ${join(folder, 'users')}`,
    ].join('\n'),
  )
  const as = runAs()
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid)
  const child = spawn(file, [join(folder, 'pgbouncer.ini')], {
    ...as,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    const lines: string[] = []
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line)
      if (line.includes('process up')) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`PgBouncer ended:\n${lines.join('\n')}`)))
  })
  const url = `postgres://${user}@localhost:6432/${database}?host=${encodeURIComponent(folder)}`
  return {
    url,
    async stop() {
      child.kill('SIGINT')
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
