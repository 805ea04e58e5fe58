import pg from 'pg'
import { UsageError, type SqlValue } from 'tidings'

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

/** @throws {UsageError} a value or statement that has no place in a transaction */
export function toStatement(
  strings: readonly string[],
  values: readonly SqlValue[],
): UserStatement {
  const text = strings.reduce((before, part, index) => `${before}$${index}${part}`)
  refuseControl(text)
  // Extended, also without values: one statement at a time.
  return { text, values: values.map(toParameter), types: userTypes, queryMode: 'extended' }
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
  if (value instanceof Uint8Array) return value
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
