import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { announce } from './announcements.ts'

/** Where the processes of one run find their server: set by the run, inherited by its workers. */
const FOLDER = 'TIDINGS_TEST_POSTGRES_FOLDER'

/** The folder of this run's server; made now, and gone with this process, where there is none yet. */
export function serverFolder(): string {
  return process.env[FOLDER] ?? makeServerFolder()
}

export function hasServerFolder(): boolean {
  return process.env[FOLDER] !== undefined
}

export function makeServerFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-pg-'))
  // The server ends when this process does, however that ends.
  announce(folder, 'owner', String(process.pid))
  process.env[FOLDER] = folder
  return folder
}

export function removeServerFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
