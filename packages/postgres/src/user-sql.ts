import pg from 'pg'
import { UsageError, type SqlValue } from 'tidings'

import type { KeptStatement } from './statement-pipe.ts'

const INT8 = 20

/** Whole numbers of 64 bits as numbers, or as bigint where a number would not be exact; the rest as `pg` does. */
const userTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary'): unknown => {
    if (oid === INT8 && format !== 'binary') return toInteger
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid)
  }) as typeof pg.types.getTypeParser,
}

function toInteger(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** A statement of the user's own, as `pg` takes it. */
export interface UserStatement extends pg.QueryConfig<unknown[]> {
  readonly text: string
  readonly queryMode: 'extended'
}

/** Whether the connection keeps it. */
export function isKept(statement: UserStatement): statement is UserStatement & KeptStatement {
  return statement.name !== undefined
}

/** What is the same of a statement whenever the line is reached in which it is written. */
interface Template {
  readonly text: string
  /** Under which a connection keeps it, once it has read and planned it; undefined: it does so each time. */
  readonly name: string | undefined
}

const templates = new WeakMap<readonly string[], Template>()
const names = new Map<string, string>()
/** Of those that are kept: each costs every connection some memory at the server. */
const MOST_NAMES = 200
/** Without rows as an answer: those may change their columns, which a statement that is kept does not survive. */
const KEPT = /^\s*(?:insert|update|delete)\b(?!.*\breturning\b)/is

/**
 * @param prepare whether connections may keep it: to read and plan a small one takes the server longer than
 *   to run it
 * @throws {UsageError} a value or statement that has no place in a transaction
 */
export function toStatement(
  strings: readonly string[],
  values: readonly SqlValue[],
  prepare: boolean,
): UserStatement {
  const { text, name } = templateOf(strings)
  const parameters = values.map(toParameter)
  // Extended, also without values: one statement at a time.
  const statement = { text, values: parameters, types: userTypes, queryMode: 'extended' } as const
  return prepare && name !== undefined ? { ...statement, name } : statement
}

function templateOf(strings: readonly string[]): Template {
  const known = templates.get(strings)
  if (known !== undefined) return known
  const text = strings.reduce((before, part, index) => `${before}$${index}${part}`)
  refuseControl(text)
  // The compiler's own arrays are: one that somebody made may hold something else next time.
  if (!Object.isFrozen(strings)) return { text, name: undefined }
  const template = { text, name: KEPT.test(text) ? nameOf(text) : undefined }
  templates.set(strings, template)
  return template
}

function nameOf(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined || names.size === MOST_NAMES) return known
  const name = `tidings_user_${names.size}`
  names.set(text, name)
  return name
}

/** One statement, also without values: in a text of several, a COMMIT could hide behind the first. */
export function toExtended(
  query: string | pg.QueryConfig,
  values: readonly unknown[] | undefined,
): pg.QueryConfig & { readonly queryMode: 'extended' } {
  const config = typeof query === 'string' ? { text: query } : query
  return {
    ...config,
    ...(values === undefined ? {} : { values: [...values] }),
    queryMode: 'extended',
  }
}

/** Behind empty statements and comments, which PostgreSQL passes over. */
function beginsWith(words: string): RegExp {
  return new RegExp(`^(?:[\\s;]|--[^\\n]*(?:\\n|$)|/\\*[\\s\\S]*?\\*/)*(?:${words})`, 'i')
}

const CONTROL = beginsWith(
  '(?:begin|start\\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\\s+transaction)\\b',
)
const SETTING = beginsWith('reset\\b|set\\s+(?!local\\b|transaction\\b|constraints\\b)')

/** @throws {UsageError} a statement that ends the transaction or a part of it, or outlasts it on its connection */
export function refuseControl(text: string): void {
  const [rule, next] = CONTROL.test(text)
    ? [
        'A transaction is left to the store (no BEGIN, COMMIT, ROLLBACK, SAVEPOINT)',
        'Leave it out, or do it outside the transaction with a connection of your own.',
      ]
    : SETTING.test(text)
      ? [
          'A setting ends with its transaction, for others have the connection later',
          'Write SET LOCAL, or set it for the role, or in `connection`.',
        ]
      : []
  if (rule === undefined) return
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${rule}: ${text.trim()}. Nothing was done. ${next}`,
  )
}

function toParameter(value: SqlValue, index: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return value
  // One whose bytes went to somebody else cannot be sent: pg would find that too late.
  if (value instanceof Uint8Array && !(value.buffer as ArrayBuffer).detached) return value
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `tx.sql takes text, finite numbers, bigint, boolean, null and Uint8Array as values; value ${index + 1} is ${describe(value)}. Nothing was done. Convert it, for example a Date by toISOString(), an object by JSON.stringify().`,
  )
}

function describe(value: unknown): string {
  if (typeof value === 'object') {
    return `an object (${(value as object).constructor?.name ?? 'without prototype'})`
  }
  return typeof value === 'number' ? String(value) : typeof value
}
