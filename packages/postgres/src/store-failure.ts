import pg from 'pg'
import { isTidingsError, StoreError, type StoreErrorCode } from 'tidings'

/** An error that the server itself reported. */
export function isServerError(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError
}

/** The class of its SQLSTATE: the first two characters. */
function classOf(error: unknown): string {
  return isServerError(error) ? (error.code ?? '').slice(0, 2) : ''
}

/** A row breaks a rule, or holds what no column can: it is about one request, not about the server. */
export function isOfOne(error: unknown): boolean {
  // What a transaction failed of may be named by now.
  const said = isTidingsError(error) ? error.cause : error
  // 22 data, 23 constraint, 54 a limit of the program, such as the size of an index entry.
  return ['22', '23', '54'].includes(classOf(said))
}

/** It is about the statement that a user wrote, or about its rows: what is wrong with a server has other classes. */
export function isOfStatement(error: unknown): error is pg.DatabaseError {
  // 22 data, 23 constraint, 40 another transaction, 42 syntax and rights, 54 limits, P0 raised by a function.
  return isServerError(error) && ['22', '23', '40', '42', '54', 'P0'].includes(classOf(error))
}

/** It is about names or types: those of a statement that a connection keeps may be there no more, nor may it be. */
export function mayBeOutdated(error: unknown): boolean {
  return ['22', '26', '42'].includes(classOf(error))
}

/** Codes of Node for a connection that never was, or is no more. */
const cut: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
])

/**
 * Whether there is no connection (any more). What was under way may have happened or not. `pg` itself has
 * no codes for it, so its words are looked at.
 */
export function isConnectionLoss(error: unknown): boolean {
  if (isServerError(error)) {
    // 08 the connection; 57P01 to 57P03 the server stops or starts; 57P05 it lay idle for too long.
    return classOf(error) === '08' || /^57P0[1235]$/.test(error.code ?? '')
  }
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.some(isConnectionLoss)
  if (cut.has((error as NodeJS.ErrnoException).code ?? '')) return true
  return /connection terminated|not queryable|connection error|connection timeout|timeout e(?:xpired|xceeded)|Client was closed/i.test(
    error.message,
  )
}

/** TLS failed, by the codes of Node and OpenSSL; what `pg` itself finds has words only. */
function isUntrusted(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code = '' } = error as NodeJS.ErrnoException
  const ofTls =
    /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|INVALID_CA)/
  return ofTls.test(code) || error.message.includes('does not support SSL')
}

/** Too many connections: one may be free soon. */
export function isCrowded(error: unknown): boolean {
  return isServerError(error) && error.code === '53300'
}

interface Meaning {
  readonly code: StoreErrorCode
  readonly says: string
  readonly nextStep: string
  readonly retryable?: boolean
}

const unreachable: Meaning = {
  code: 'TIDINGS_STORE_UNREACHABLE',
  says: 'the server cannot be reached, or the connection was cut',
  nextStep:
    'A write that was under way may be there or not: repeat it with the same ids, which stores it once.',
  retryable: true,
}

const untrusted: Meaning = {
  code: 'TIDINGS_STORE_UNREACHABLE',
  says: 'there is no TLS connection to the server, or it is not the one that it should be',
  nextStep:
    'Give the certificate of its authority by `ssl: { ca }` or `sslrootcert`, and the host name that its own certificate is made out to.',
}

const refused: Meaning = {
  code: 'TIDINGS_STORE_REFUSED',
  says: 'the server does not let this user do it',
  nextStep: 'Check user, password and rights.',
}

const busy: Meaning = {
  code: 'TIDINGS_STORE_BUSY',
  says: 'somebody else held it for too long',
  nextStep: 'Try again; find who holds a transaction open for long.',
  retryable: true,
}

const full: Meaning = {
  code: 'TIDINGS_STORE_FULL',
  says: "the server's disk is full",
  nextStep: 'Make room; the store then goes on without a restart.',
  retryable: true,
}

const corrupt: Meaning = {
  code: 'TIDINGS_STORE_CORRUPT',
  says: 'the database is damaged',
  nextStep: 'Stop writing, keep the data, and restore a backup.',
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const meanings: Readonly<Record<string, Meaning>> = {
  '28000': refused,
  '28P01': refused,
  '42501': refused,
  '3D000': {
    code: 'TIDINGS_STORE_MISSING',
    says: 'there is no such database',
    nextStep: 'Create it, or correct its name.',
  },
  '25006': {
    code: 'TIDINGS_STORE_READ_ONLY',
    says: 'the server, or this session, takes no writes',
    nextStep: 'Connect to the primary server.',
  },
  '40001': busy,
  '40P01': busy,
  '55P03': busy,
  '57014': busy,
  '25P03': busy,
  '25P04': busy,
  '53300': {
    code: 'TIDINGS_STORE_BUSY',
    says: 'the server has no connection left',
    nextStep: 'Try again; lower `connections`, or raise max_connections of the server.',
    retryable: true,
  },
  '53100': full,
  XX001: corrupt,
  XX002: corrupt,
}

const unnamed: Meaning = {
  code: 'TIDINGS_STORE_FAILED',
  says: 'the database reported an error',
  nextStep: 'The cause says which.',
}

/** An error of the server or of the connection as one that says where and what to do; others as they are. */
export function toStoreError(error: unknown, location: string): unknown {
  if (isTidingsError(error)) return error
  const meaning = meaningOf(error)
  if (meaning === undefined) return error
  const { code, says, nextStep, retryable = false } = meaning
  const detail = isServerError(error) ? `, code ${error.code ?? 'unknown'}` : ''
  const message = `${location}: ${says} (PostgreSQL: ${(error as Error).message}${detail}). ${nextStep}`
  return new StoreError(code, location, message, { cause: error, retryable })
}

function meaningOf(error: unknown): Meaning | undefined {
  if (isConnectionLoss(error)) return unreachable
  if (isUntrusted(error)) return untrusted
  return isServerError(error) ? (meanings[error.code ?? ''] ?? unnamed) : undefined
}
