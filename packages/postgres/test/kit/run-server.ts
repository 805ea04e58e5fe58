import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findBinaries, runAs, type Binaries } from './binaries.ts'

/** A server in a folder, which is its own. */
export interface Server {
  readonly url: string
  /** Resolves when its process is gone, whoever ended it. */
  readonly ended: Promise<void>
  /** Ends it as `pg_ctl stop -m immediate` does: nobody is told, and nothing tidied up. */
  stop(): Promise<void>
}

/** A role that has to know its password, once a test has made it. */
export const WITH_PASSWORD = 'with_password'

/**
 * Whether what is committed reaches the disk, as benches have it. For tests nothing outlives the machine's
 * memory, so that nothing has to.
 */
function isDurable(): boolean {
  return process.env['TIDINGS_TEST_POSTGRES_DURABLE'] === '1'
}

/** Makes the data of a server in an empty folder. */
export async function initServer(folder: string, binaries?: Binaries): Promise<void> {
  const { initdb } = binaries ?? (await findBinaries())
  const as = runAs()
  const data = join(folder, 'data')
  mkdirSync(data)
  chmodSync(folder, 0o711)
  if (as.uid !== undefined && as.gid !== undefined) {
    chownSync(data, as.uid, as.gid)
    chownSync(folder, as.uid, as.gid)
  }
  const options = ['-D', data, '-U', 'tidings', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']
  execFileSync(initdb, options, { ...as, cwd: folder, stdio: 'pipe' })
  // The first line that fits decides.
  const rules = join(data, 'pg_hba.conf')
  writeFileSync(rules, `local all ${WITH_PASSWORD} scram-sha-256\n${readFileSync(rules, 'utf8')}`)
}

/**
 * Starts it, and resolves when it answers.
 *
 * @param besides settings of its own; they win
 */
export async function startServer(
  folder: string,
  binaries?: Binaries,
  besides: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const { postgres } = binaries ?? (await findBinaries())
  const settings = {
    listen_addresses: '',
    unix_socket_directories: folder,
    ...(isDurable() ? {} : { fsync: 'off', full_page_writes: 'off' }),
    max_connections: '300',
    // So that what refuses a transaction in two phases is the log, and not the server.
    max_prepared_transactions: '10',
    shared_buffers: isDurable() ? '256MB' : '64MB',
    // Scenarios make statements fail: a line for each would be most of the log.
    log_min_error_statement: 'panic',
    ...besides,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(postgres, ['-D', join(folder, 'data'), ...flags], {
    ...runAs(),
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await untilItAnswers(child, folder)
  return {
    url: `postgres://tidings@localhost/postgres?host=${encodeURIComponent(folder)}`,
    ended,
    async stop() {
      if (child.exitCode === null) child.kill('SIGQUIT')
      await ended
    },
  }
}

/** It says so in its log. */
function untilItAnswers(child: ChildProcess, folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (child.stderr === null) throw new Error('The log of the server goes nowhere.')
    const lines: string[] = []
    createInterface(child.stderr).on('line', (line) => {
      appendFileSync(join(folder, 'log'), `${line}\n`)
      lines.push(line)
      if (line.includes('ready to accept connections')) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`The server ended:\n${lines.join('\n')}`)))
  })
}
