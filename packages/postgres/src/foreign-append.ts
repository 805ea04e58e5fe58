import { UsageError, toIsoTime, type StreamAppend } from 'tidings'
import { checkAppends } from 'tidings/store'

import { learnNames } from './append-call.ts'
import type { AppendRequest } from './append-request.ts'
import { encodeCall } from './append-columns.ts'
import type { LogParts } from './log-parts.ts'

/** A client of `pg` on which a transaction has begun. */
export interface ForeignClient {
  query(text: string, values: string[]): PromiseLike<unknown>
}

/** A template tag that runs one statement in a transaction, its values as parameters. */
export type ForeignTag = (
  strings: TemplateStringsArray,
  ...values: string[]
) => PromiseLike<unknown>

/** A transaction that is not the store's own. */
export type ForeignTransaction = ForeignClient | ForeignTag

export interface AppendInOptions {
  /** Append soon after the COMMIT rather than at it; for appends that expect nothing. */
  readonly deferred?: boolean | undefined
}

/** @throws {UsageError} what no transaction could append, or no transaction */
export function checkForeign(
  transaction: ForeignTransaction,
  appends: readonly StreamAppend[],
  { deferred = false }: AppendInOptions,
): void {
  // A pool runs each statement on any connection: the append would be committed by itself.
  const isPool = typeof transaction === 'object' && 'totalCount' in transaction
  const isOne = typeof transaction === 'function' || typeof transaction.query === 'function'
  if (isPool || !isOne) {
    throw invalid(
      'appendIn() takes a client on which a transaction has begun, or a template tag that runs a statement in one',
      isPool ? 'a pool, whose statements are transactions of their own' : typeof transaction,
      'Take a client with pool.connect() and BEGIN first.',
    )
  }
  checkAppends(appends)
  const expecting = appends.find(({ expectedVersion }) => expectedVersion !== 'any')
  if (deferred && expecting !== undefined) {
    throw invalid(
      'A deferred append expects nothing of its stream: when it is appended, nobody is left to be told',
      `'${expecting.stream}' is expected at ${expecting.expectedVersion}`,
      "Leave out 'deferred', or the expected version.",
    )
  }
}

/** Hands the events to the transaction: one statement in it, which waits for nothing. */
export async function insertForeign(
  { settings, names }: LogParts,
  transaction: ForeignTransaction,
  { appends, deferred = false }: AppendInOptions & { readonly appends: readonly StreamAppend[] },
): Promise<void> {
  const request: AppendRequest = { appends, command: undefined }
  // On a connection of the store: in the transaction, others who meet the same name would wait for its end.
  await learnNames([request], names)
  const now = settings.now === undefined ? null : toIsoTime(settings.now())
  const call = deferred ? appends.map(withoutPayloads) : encodeCall([request], names, now)
  const table = deferred ? 'deferred_appends' : 'pending_appends'
  // As text: some drivers would make JSON of what is JSON.
  const parts = [`insert into ${settings.quoted}.${table} (call) values (`, `::text::json)`]
  await run(transaction, parts, JSON.stringify(call))
}

/** The payload is there as JSON already. */
function withoutPayloads({ events, ...append }: StreamAppend): object {
  return {
    ...append,
    events: events.map((event) => ({
      ...event,
      envelope: { ...event.envelope, payload: undefined },
    })),
  }
}

async function run(
  transaction: ForeignTransaction,
  parts: readonly string[],
  value: string,
): Promise<void> {
  if (typeof transaction === 'object') {
    await transaction.query(parts.join('$1'), [value])
    return
  }
  await transaction(Object.assign([...parts], { raw: parts }), value)
}

function invalid(rule: string, actual: string, next: string): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${rule}; got ${actual}. Nothing was done. ${next}`,
  )
}
