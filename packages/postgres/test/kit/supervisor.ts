/**
 * Runs one server for one run of tests: `node supervisor.ts FOLDER`. It announces `url` when the server
 * answers and `error` when it cannot, and stops it when it is told to, or when the run is gone.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync, chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { announce, announced } from './announcements.ts'
import { findBinaries, runAs } from './binaries.ts'
import { removeServerFolder } from './server-folder.ts'

const [folder = ''] = process.argv.slice(2)
const data = join(folder, 'data')

const settings = {
  listen_addresses: '',
  unix_socket_directories: folder,
  // Nothing outlives the run, so that nothing has to reach the disk.
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '64MB',
  // Scenarios make statements fail: a line for each would be most of the log.
  log_min_error_statement: 'panic',
}

async function startServer(): Promise<ChildProcess> {
  const { initdb, postgres } = await findBinaries()
  const as = runAs()
  mkdirSync(data)
  chmodSync(folder, 0o711)
  if (as.uid !== undefined && as.gid !== undefined) {
    chownSync(data, as.uid, as.gid)
    chownSync(folder, as.uid, as.gid)
  }
  const options = ['-D', data, '-U', 'tidings', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']
  execFileSync(initdb, options, { ...as, cwd: folder, stdio: 'pipe' })
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return spawn(postgres, ['-D', data, ...flags], {
    ...as,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/** It says so in its log. */
function untilItAnswers(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    if (server.stderr === null) throw new Error('The log of the server goes nowhere.')
    const lines: string[] = []
    createInterface(server.stderr).on('line', (line) => {
      appendFileSync(join(folder, 'log'), `${line}\n`)
      lines.push(line)
      if (line.includes('ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`The server ended:\n${lines.join('\n')}`)))
  })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Told to stop, or the run is gone, or the server. */
function untilOver(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const owner = Number(announced(folder, 'owner'))
    // Nobody says that a process has ended that is not one's own child: so it is asked for.
    const asking = setInterval(() => {
      if (!isAlive(owner)) resolve()
    }, 500)
    process.once('SIGTERM', resolve)
    server.once('exit', resolve)
    server.once('exit', () => clearInterval(asking))
  })
}

try {
  const server = await startServer()
  await untilItAnswers(server)
  announce(
    folder,
    'url',
    `postgres://tidings@localhost/postgres?host=${encodeURIComponent(folder)}`,
  )
  await untilOver(server)
  if (server.exitCode === null) {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    // At once: what is in it is of no more use.
    server.kill('SIGQUIT')
    await ended
  }
} catch (error) {
  announce(folder, 'error', String(error instanceof Error ? error.stack : error))
}
if (isAlive(Number(announced(folder, 'owner')))) announce(folder, 'stopped', '')
else removeServerFolder(folder)
