import { StoreError, type StoreErrorCode } from '../errors/store-errors.ts'
import { isTidingsError } from '../errors/tidings-error.ts'

/** What node:sqlite throws for an error of SQLite itself. */
export interface SqliteFailure extends Error {
  readonly code: 'ERR_SQLITE_ERROR'
  /** Extended result code. Its low byte is the primary one. */
  readonly errcode: number
  readonly errstr: string
}

export function isSqliteFailure(error: unknown): error is SqliteFailure {
  return error instanceof Error && (error as Partial<SqliteFailure>).code === 'ERR_SQLITE_ERROR'
}

// https://www.sqlite.org/rescode.html
const BUSY = 5
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const CONSTRAINT = 19
const NOTADB = 26
const READONLY_DBMOVED = 1032

function primaryCode(error: SqliteFailure): number {
  return error.errcode & 0xff
}

/** Another connection holds the file now and lets go of it soon. */
export function isBusy(error: unknown): boolean {
  return isSqliteFailure(error) && primaryCode(error) === BUSY
}

export function isConstraint(error: unknown): boolean {
  return isSqliteFailure(error) && primaryCode(error) === CONSTRAINT
}

/** The file is at its limit; a smaller write may still fit. */
export function isFull(error: unknown): boolean {
  return isSqliteFailure(error) && primaryCode(error) === FULL
}

interface Meaning {
  readonly code: StoreErrorCode
  readonly says: string
  readonly nextStep: string
  readonly retryable?: boolean
}

const meanings: Readonly<Record<number, Meaning>> = {
  [BUSY]: {
    code: 'TIDINGS_STORE_BUSY',
    says: 'another process held the file for too long',
    nextStep: 'Try again; find who holds a transaction open for long, or raise busyLimitMs.',
    retryable: true,
  },
  [FULL]: {
    code: 'TIDINGS_STORE_FULL',
    says: 'the disk, or the limit of the file (maxPages), is full',
    nextStep: 'Make room; the store then goes on without a restart.',
    retryable: true,
  },
  [READONLY]: {
    code: 'TIDINGS_STORE_READ_ONLY',
    says: 'the file or its folder cannot be written',
    nextStep:
      'Give this user the right to write both (SQLite keeps two files beside the database), or work on a copy.',
  },
  [CORRUPT]: {
    code: 'TIDINGS_STORE_CORRUPT',
    says: 'the file is damaged',
    nextStep:
      "Stop writing, keep the file, and restore a backup; 'tidings verify' says what is hit.",
  },
  [NOTADB]: {
    code: 'TIDINGS_STORE_CORRUPT',
    says: 'the file is no SQLite database, or its header is damaged',
    nextStep: 'Check the path; if it is the right file, restore a backup.',
  },
  [CANTOPEN]: {
    code: 'TIDINGS_STORE_MISSING',
    says: 'the file cannot be opened',
    nextStep: 'Check that its folder is there and that this user may open it.',
  },
  [IOERR]: {
    code: 'TIDINGS_STORE_FAILED',
    says: 'the disk reported an error',
    nextStep:
      'Look at the disk. A write that was under way may be there or not: repeat it with the same ids, which stores it once.',
  },
}

const unnamed: Meaning = {
  code: 'TIDINGS_STORE_FAILED',
  says: 'the database reported an error',
  nextStep: 'The cause says which.',
}

/** An error of the database as one that says where it happened and what to do; others as they are. */
export function toStoreError(error: unknown, location: string): unknown {
  if (isTidingsError(error) || !isSqliteFailure(error)) return error
  const { code, says, nextStep, retryable } =
    error.errcode === READONLY_DBMOVED ? moved : (meanings[primaryCode(error)] ?? unnamed)
  const message = `${location}: ${says} (SQLite: ${error.message}, code ${error.errcode}). ${nextStep}`
  return new StoreError(code, location, message, { cause: error, retryable: retryable ?? false })
}

const moved: Meaning = {
  code: 'TIDINGS_STORE_MISSING',
  says: 'the file was moved or deleted while it was open',
  nextStep: 'Put it back and restart, or restore a backup.',
}
