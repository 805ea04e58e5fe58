import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { benchFolder } from './catalog.ts'

const folder = join(benchFolder, 'peers')
const requirePeer = createRequire(join(folder, 'package.json'))

/** `undefined` when the peers are there, else why not. Installs them when they are missing. */
export function installPeers(say: (line: string) => void): string | undefined {
  if (peersInstalled()) return undefined
  say('Installing the peers of bench/peers, once (npm ci; sqlite3 may compile for a minute) …')
  const { status, error, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status === 0) return undefined
  return `the peers could not be installed: ${(error?.message ?? stderr.trim()).slice(-600)}`
}

/** Whether the peers of today's list have been installed; installs nothing. */
export function peersInstalled(): boolean {
  return Object.entries(peerVersions()).every(([name, wanted]) => {
    const file = join(folder, 'node_modules', name, 'package.json')
    if (!existsSync(file)) return false
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
    // An alias says `npm:uuid@14.0.3`.
    return wanted.endsWith(version)
  })
}

/** A module of `bench/peers`, whose types are not part of the build: the caller says what it uses. */
export async function importPeer<Module>(name: string): Promise<Module> {
  return (await import(pathToFileURL(requirePeer.resolve(name)).href)) as Module
}

/** Package → version, as the lock file has it. */
export function peerVersions(): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return dependencies
}
