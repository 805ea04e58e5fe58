import { DatabaseSync } from 'node:sqlite'
import type { Translate } from '../texts/texts.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** What SQLite itself says of the file, read without the store: a file that the store refuses must still be describable. */
export function checkDatabase(file: string, t: Translate): readonly Finding[] {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    return [checkJournal(database, t), checkSchemaVersion(database, t), checkPages(database, t)]
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [
      fail(
        'database',
        t('doctor.database-unreadable', { reason }),
        t(isDenied(error) ? 'doctor.rights-missing-todo' : 'doctor.database-unreadable-todo'),
      ),
    ]
  } finally {
    database?.close()
  }
}

/** SQLITE_PERM, SQLITE_READONLY, SQLITE_CANTOPEN: the file is well, and a backup would lose what is in it. */
const DENIED = new Set([3, 8, 14])

function isDenied(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: number }
  return errcode !== undefined && DENIED.has(errcode & 0xff)
}

function checkJournal(database: DatabaseSync, t: Translate): Finding {
  const mode = readPragma(database, 'journal_mode')
  const text = t('doctor.journal', { mode })
  return mode === 'wal' ? ok('journal', text) : warn('journal', text, t('doctor.journal-todo'))
}

function checkSchemaVersion(database: DatabaseSync, t: Translate): Finding {
  const table = database
    .prepare("select 1 from sqlite_schema where type = 'table' and name = 'schema_version'")
    .get()
  if (table === undefined)
    return fail('schema', t('doctor.schema-none'), t('doctor.schema-none-todo'))
  const row = database
    .prepare('select number, by from schema_version order by number desc limit 1')
    .get()
  const { number, by } = row ?? {}
  return ok('schema', t('doctor.schema', { version: String(number), by: String(by) }))
}

function checkPages(database: DatabaseSync, t: Translate): Finding {
  const count = readPragma(database, 'page_count')
  const size = readPragma(database, 'page_size')
  const free = readPragma(database, 'freelist_count')
  return ok('pages', t('doctor.pages', { count, size, free }))
}

function readPragma(database: DatabaseSync, name: string): string {
  const row = database.prepare(`pragma ${name}`).get()
  return String(Object.values(row ?? {})[0] ?? '')
}
