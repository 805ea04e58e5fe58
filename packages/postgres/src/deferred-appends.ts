import { isTidingsError, type StreamAppend } from 'tidings'
import { checkAppends, runOutside } from 'tidings/store'

import { appendRequests, learnNames } from './append-call.ts'
import type { AppendRequest } from './append-request.ts'
import { explainRefusal, findByIds } from './explain-refusal.ts'
import type { LogParts } from './log-parts.ts'
import { inSchema, lockOf } from './schema/in-schema.ts'
import type { Session } from './session.ts'
import { isOfOne } from './store-failure.ts'

interface DeferredRow {
  readonly id: number
  readonly request: AppendRequest
}

/** Rows that are appended under one lock: a third of a millisecond each, at the most. */
const MAX_ROWS = 200
const BUSY_MS = 5
const IDLE_MS = 250

/**
 * Appends what transactions of other libraries left to be appended, in batches, one process at a time. A
 * process that has deferred something itself looks every 5 to 250 ms until it is closed, for it cannot
 * know when the transaction ends; others look when they see that something is there.
 *
 * still → absorbing (once) → still; still → expecting (for good) → ended
 */
export class DeferredAppends {
  readonly #parts: LogParts
  readonly #ending = new AbortController()
  #expecting: Promise<void> | undefined
  #absorbing: Promise<number> | undefined

  constructor(parts: LogParts) {
    this.#parts = parts
  }

  /** A transaction may commit something from here on. */
  expect(): void {
    this.#expecting ??= runOutside(() => this.#watch())
  }

  /** Something is there. What fails is tried again when it is seen again: the rows wait. */
  absorbSoon(): void {
    if (this.#ending.signal.aborted) return
    void runOutside(() => this.#absorb()).catch(() => undefined)
  }

  async end(): Promise<void> {
    this.#ending.abort()
    await this.#expecting
    // Whoever began it was told.
    await this.#absorbing?.catch(() => undefined)
  }

  async #watch(): Promise<void> {
    const { clock } = this.#parts.settings
    const { signal } = this.#ending
    for (let delayMs = BUSY_MS; !signal.aborted; delayMs = Math.min(IDLE_MS, delayMs * 1.5)) {
      // What cannot be done now is done later, by this process or another: the rows are committed.
      if ((await this.#absorb().catch(() => 0)) > 0) delayMs = BUSY_MS
      // It ends by itself or with the signal, which is looked at.
      await clock.sleep(delayMs, { signal }).catch(() => undefined)
    }
    // What was committed just before the close, so that it need not wait for another process.
    await this.#absorb().catch(() => 0)
  }

  /** @returns how many rows were taken */
  #absorb(): Promise<number> {
    this.#absorbing ??= this.#takeRows().finally(() => {
      this.#absorbing = undefined
    })
    return this.#absorbing
  }

  async #takeRows(): Promise<number> {
    const { rows, count } = await this.#read()
    if (rows.length === 0) return count
    await learnNames(
      rows.map(({ request }) => request),
      this.#parts.names,
    )
    try {
      await this.#append(rows)
    } catch (error) {
      if (!isOfOne(error)) throw error
      // One that no column takes must not hold up the others.
      for (const row of rows) await this.#appendAlone(row)
    }
    return count
  }

  /** Those that can be appended; what is no append is refused. @returns also how many there were */
  async #read(): Promise<{ readonly rows: readonly DeferredRow[]; readonly count: number }> {
    const { schema, rows } = this.#parts.side
    const found = await rows(
      `select id, call from ${schema}.deferred_appends where refused is null order by id limit ${MAX_ROWS}`,
      [],
    )
    const read: DeferredRow[] = []
    for (const [id, call] of found) {
      const appends = JSON.parse(call as string) as StreamAppend[]
      try {
        checkAppends(appends)
        read.push({ id: id as number, request: { appends, command: undefined } })
      } catch (error) {
        await this.#refuseAlone(id as number, error)
      }
    }
    return { rows: read, count: found.length }
  }

  async #appendAlone(row: DeferredRow): Promise<void> {
    try {
      await this.#append([row])
    } catch (error) {
      if (!isOfOne(error)) throw error
      await this.#refuseAlone(row.id, error)
    }
  }

  async #refuseAlone(id: number, error: unknown): Promise<void> {
    await this.#parts.connections.write((session) => this.#refuse(session, id, error))
  }

  /** All of them in one transaction. Those that another process has taken meanwhile are left out. */
  async #append(rows: readonly DeferredRow[]): Promise<void> {
    const { connections, settings, watch } = this.#parts
    const table = `${settings.quoted}.deferred_appends`
    const lock = inSchema(lockOf('deferred_appends'), settings.quoted)
    const last = await connections.transact(async (session) => {
      // Waits: rows of one transaction must not overtake each other in two processes.
      await session.rows(`select pg_advisory_xact_lock(${lock})`)
      const there = await session.rows(
        `delete from ${table} where id = any($1::bigint[]) and refused is null returning id`,
        [rows.map(({ id }) => id)],
      )
      const ids = new Set(there.map(([id]) => id))
      await settings.step?.('before-append')
      const last = await this.#appendRows(
        session,
        rows.filter(({ id }) => ids.has(id)),
      )
      await settings.step?.('before-commit')
      return last
    })
    await settings.step?.('acknowledged')
    if (last > 0) watch.appended(last)
  }

  /** @returns the last position */
  async #appendRows(session: Session, rows: readonly DeferredRow[]): Promise<number> {
    const { settings, names } = this.#parts
    let last = 0
    for (const batch of batchesOf(rows)) {
      const requests = batch.map(({ request }) => request)
      const { verdicts } = await appendRequests(session, requests, {
        settings,
        names,
        strict: true,
      })
      for (const [index, verdict] of verdicts.entries()) {
        if (verdict.kind === 'written') {
          for (const { positions } of verdict.results) last = Math.max(last, positions.at(-1) ?? 0)
        } else await this.#judge(session, batch[index] as DeferredRow, verdict)
      }
    }
    return last
  }

  /** Nothing but ids can speak against it: it was appended before, or it never can be. */
  async #judge(
    session: Session,
    row: DeferredRow,
    verdict: Parameters<typeof explainRefusal>[1],
  ): Promise<void> {
    const side = { schema: this.#parts.settings.quoted, rows: session.rows }
    try {
      const found = await findByIds(side, [row.request])
      if (explainRefusal(row.request, verdict, found) !== undefined) return
    } catch (error) {
      if (!isTidingsError(error)) throw error
      await this.#refuse(session, row.id, error, row)
      return
    }
    throw new Error('A stream changed under the lock of the log.')
  }

  /** Kept for a person to look at: `doctor` tells of it. */
  async #refuse(session: Session, id: number, error: unknown, row?: DeferredRow): Promise<void> {
    const table = `${this.#parts.settings.quoted}.deferred_appends`
    const refused = (error as Error).message
    if (row === undefined) {
      await session.run(`update ${table} set refused = $2 where id = $1`, [id, refused])
      return
    }
    await session.run(
      `insert into ${table} (id, call, refused) overriding system value values ($1, $2::text::json, $3)`,
      [id, JSON.stringify(row.request.appends), refused],
    )
  }
}

/** In order, each with no stream twice: one call of the database takes each once. */
function batchesOf(rows: readonly DeferredRow[]): readonly (readonly DeferredRow[])[] {
  const batches: DeferredRow[][] = []
  let taken = new Set<string>()
  for (const row of rows) {
    const { appends } = row.request
    const again = batches.length === 0 || appends.some(({ stream }) => taken.has(stream))
    if (again) {
      batches.push([])
      taken = new Set()
    }
    for (const { stream } of appends) taken.add(stream)
    batches.at(-1)?.push(row)
  }
  return batches
}
