import type pg from 'pg'
import {
  toIsoTime,
  UsageError,
  type AppendOptions,
  type AppendResult,
  type EventReader,
  type Fired,
  type OperationRecord,
  type ParkedEvent,
  type ProgressChange,
  type ReadStreamOptions,
  type SqlRow,
  type SqlTransaction,
  type SqlValue,
  type StreamAppend,
  type TimerRecord,
} from 'tidings'
import { checkAppends, PlacedEvents } from 'tidings/store'

import { appendRequests, learnNames, placeWritten, type Verdict } from './append-call.ts'
import type { AppendRequest } from './append-request.ts'
import { commitOutcome } from './commit-outcome.ts'
import { commit, type Lent } from './connections.ts'
import { explainRefusal, findByIds } from './explain-refusal.ts'
import type { LogParts } from './log-parts.ts'
import { seeOnce } from './inbox-table.ts'
import { putOperations } from './operation-table.ts'
import { parkEvents } from './parked-table.ts'
import { writeProgress } from './progress.ts'
import type { ReadSide } from './reader.ts'
import { SqlError } from './sql-error.ts'
import { StatementPipe, type KeptStatement } from './statement-pipe.ts'
import { isConnectionLoss, isOfStatement, mayBeOutdated, toStoreError } from './store-failure.ts'
import { readStreamPages } from './stream-reader.ts'
import type { TableWriter } from './table-access.ts'
import { cancelTimer, fireTimer, setTimers } from './timer-table.ts'
import { isKept, refuseControl, toExtended, toStatement } from './user-sql.ts'

/** The part of a `pg` client that a transaction lends. */
export interface TransactionClient {
  query<Result extends pg.QueryResultRow = pg.QueryResultRow>(
    query: string | pg.QueryConfig,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Result>>
}

/** A transaction in PostgreSQL. Isolation is READ COMMITTED. */
export interface PostgresTransaction extends SqlTransaction {
  /** Statements in the words of `pg`, in this transaction. */
  readonly client: TransactionClient
}

/**
 * open → begun (by its first statement) → appending (it has the lock of the log, or stands in line for it)
 * → closed (by commit or rollback). A statement that fails leaves it failed: PostgreSQL can then only roll
 * it back.
 */
export class OwnTransaction implements PostgresTransaction {
  readonly client: TransactionClient
  readonly #parts: LogParts
  readonly #signal: AbortSignal | undefined
  #open = true
  #begun: Promise<Lent> | undefined
  #hasBegun = false
  /** Statements that wait for the begin. */
  #entering = 0
  #lent: Lent | undefined
  #broken = false
  #failure: { readonly error: unknown } | undefined
  #endTurn: (() => void) | undefined
  /** Statements that have not ended: what is done in several is done in all of them before it is over. */
  #underWay = 0
  #allEnded: PromiseWithResolvers<void> | undefined
  /** There when it has begun. */
  #pipe: StatementPipe | undefined
  #appended: AppendResult | undefined
  #appendedId: string | undefined
  /** Undefined: nothing was appended, or nobody hears of it. */
  #placed: PlacedEvents | undefined

  constructor(parts: LogParts, signal: AbortSignal | undefined) {
    this.#parts = parts
    this.#signal = signal
    this.client = { query: (query, values) => this.#query(query, values) }
  }

  append(
    appends: readonly StreamAppend[],
    options: Pick<AppendOptions, 'command'> = {},
  ): Promise<readonly AppendResult[]> {
    return this.#noteFailure(async () => {
      this.#requireOpen()
      checkAppends(appends, options)
      const request: AppendRequest = { appends, command: options.command }
      // Before the first wait: appends of this process that come later stand behind it.
      this.#endTurn ??= this.#parts.turns.take()
      await learnNames([request], this.#parts.names)
      const { session } = await this.#enter()
      return this.#append(session, request)
    })
  }

  readStream(stream: string, options?: ReadStreamOptions): EventReader {
    const open = async (): Promise<ReadSide> => {
      const { session } = await this.#enter()
      // One that fails leaves the transaction failed, whoever catches its error.
      const rows: ReadSide['rows'] = (sql, values) =>
        this.#noteFailure(() => session.rows(sql, values))
      return { ...this.#parts.side, rows }
    }
    return readStreamPages(open, stream, options)
  }

  progress(change: ProgressChange): Promise<void> {
    return this.#run((writer) => writeProgress(writer, change))
  }

  park(events: readonly ParkedEvent[]): Promise<void> {
    return this.#run((writer) => parkEvents(writer, events))
  }

  putOperations(operations: readonly OperationRecord[]): Promise<void> {
    return this.#run((writer) => putOperations(writer, operations))
  }

  setTimers(timers: readonly TimerRecord[]): Promise<void> {
    return this.#run((writer) => setTimers(writer, timers))
  }

  cancelTimer(timerId: string): Promise<boolean> {
    return this.#run((writer) => cancelTimer(writer, timerId))
  }

  fireTimer(timerId: string, fired: Fired): Promise<boolean> {
    return this.#run((writer) => fireTimer(writer, timerId, fired))
  }

  once(consumer: string, messageId: string): Promise<boolean> {
    const { now: clock } = this.#parts.settings
    const now = clock === undefined ? null : toIsoTime(clock())
    return this.#run((writer) => seeOnce(writer, { consumer, messageId, now }))
  }

  async sql<Row extends object = SqlRow>(
    strings: TemplateStringsArray,
    ...values: readonly SqlValue[]
  ): Promise<Row[]> {
    const statement = toStatement(strings, values, this.#parts.settings.prepare)
    if (isKept(statement) && this.#entered() !== undefined) {
      try {
        return (await this.#send(statement)) as Row[]
      } catch (error) {
        // It was made where the answer came in, and is to say who asked.
        if (error instanceof Error) Error.captureStackTrace(error)
        throw error
      }
    }
    const { rows } = await this.#noteFailure(() => this.#execute(statement))
    return rows as Row[]
  }

  /**
   * Commits what was begun. From here on the transaction is closed.
   *
   * @throws the error of a statement that failed before
   */
  async commit(): Promise<void> {
    this.#open = false
    await this.#begun
    await this.#ended()
    if (this.#failure !== undefined) throw this.#failure.error
    this.#signal?.throwIfAborted()
    if (this.#lent === undefined) return
    const { settings, teller, watch } = this.#parts
    await settings.step?.('before-commit')
    try {
      await commit(this.#lent.session.client, settings.location)
    } catch (error) {
      this.#broken = true
      await commitOutcome(error, this.#appendedId, this.#parts)
    }
    await settings.step?.('acknowledged')
    if (this.#placed !== undefined) teller.tell(this.#placed)
    if (this.#appended !== undefined) watch.appended(this.#appended.positions.at(-1) ?? 0)
    this.#giveBack()
  }

  /** Rolls back what is not committed and gives the connection back. */
  async release(): Promise<void> {
    this.#open = false
    try {
      // Whoever began it got its error.
      await this.#begun?.catch(() => undefined)
      // What of them came after the rollback would be committed by itself.
      await this.#ended()
      if (this.#lent !== undefined && !this.#broken) {
        await this.#lent.session.client.query('rollback').catch((error: unknown) => {
          // A connection that is gone has rolled back by that.
          this.#broken = true
          if (!isConnectionLoss(error)) throw error
        })
      }
    } finally {
      this.#giveBack()
    }
  }

  #giveBack(): void {
    this.#lent?.session.client.off('end', this.#leaveTurn)
    this.#lent?.giveBack(this.#broken)
    this.#lent = undefined
    this.#leaveTurn()
  }

  readonly #leaveTurn = (): void => {
    this.#endTurn?.()
    this.#endTurn = undefined
  }

  async #append(
    session: Lent['session'],
    request: AppendRequest,
  ): Promise<readonly AppendResult[]> {
    const { settings, names } = this.#parts
    await settings.step?.('before-append')
    const { verdicts, behind } = await appendRequests(session, [request], {
      settings,
      names,
      strict: true,
    })
    await settings.step?.('appended')
    const [verdict] = verdicts
    if (verdict?.kind === 'written') {
      this.#place(request, verdict, behind)
      this.#appended = verdict.results.at(-1) ?? this.#appended
      this.#appendedId ??= request.appends[0]?.events[0]?.envelope.eventId
      return verdict.results
    }
    if (verdict === undefined) throw new Error('The database gave no answer.')
    const found = await findByIds(this.#side(session), [request])
    const results = explainRefusal(request, verdict, found)
    if (results === undefined) throw new Error('A stream changed under the lock of the log.')
    return results
  }

  #place(request: AppendRequest, verdict: Verdict, behind: number): void {
    if (!this.#parts.teller.isHeard) return
    if (this.#placed === undefined) {
      this.#placed = new PlacedEvents()
      this.#placed.begin(behind)
    }
    placeWritten(this.#placed, [request], [verdict])
  }

  #query<Result extends pg.QueryResultRow>(
    query: string | pg.QueryConfig,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Result>> {
    const statement = toExtended(query, values)
    return this.#noteFailure(
      () => this.#execute<Result>(statement),
      () => refuseControl(statement.text),
    )
  }

  /** As {@link #noteFailure} with {@link #execute}, in one promise: what every handler of a group does. */
  #send(statement: KeptStatement): Promise<readonly unknown[]> {
    this.#requireOpen()
    this.#underWay++
    return new Promise((resolve, reject) => {
      this.#pipe!.send(statement, (error, rows) => {
        if (error === undefined) resolve(rows)
        else reject(this.#failed(this.#explain(error, statement)))
        this.#statementEnded()
      })
    })
  }

  async #execute<Result extends pg.QueryResultRow>(
    statement: pg.QueryConfig<unknown[]>,
  ): Promise<pg.QueryResult<Result>> {
    let lent = this.#entered()
    if (lent === undefined) {
      this.#entering++
      try {
        lent = await this.#enter()
      } finally {
        // In the turn in which it is sent: nobody comes between.
        this.#entering--
      }
    }
    try {
      return await lent.session.client.query<Result>(statement)
    } catch (error) {
      throw this.#explain(error, statement)
    }
  }

  /** An error of the database as one that names the statement. */
  #explain(error: unknown, { text, name }: Pick<pg.QueryConfig, 'text' | 'name'>): unknown {
    // Tables may have changed since the connection has read it: another one reads it anew.
    if (name !== undefined && mayBeOutdated(error)) this.#broken = true
    if (!isOfStatement(error)) return error
    return new SqlError(this.#parts.settings.location, text, error)
  }

  /** For whoever would rather not wait a turn: where it has begun, and nobody waits for that who came before. */
  #entered(): Lent | undefined {
    return this.#hasBegun && this.#entering === 0 ? this.#lent : undefined
  }

  #run<Result>(work: (writer: TableWriter) => Promise<Result>): Promise<Result> {
    return this.#noteFailure(async () => {
      const { session } = await this.#enter()
      return work({ schema: this.#parts.settings.quoted, session })
    })
  }

  /** @param check what is refused before anything is done, and so spoils nothing */
  async #noteFailure<Result>(work: () => Promise<Result>, check?: () => void): Promise<Result> {
    this.#requireOpen()
    check?.()
    this.#underWay++
    try {
      return await work()
    } catch (error) {
      throw this.#failed(error)
    } finally {
      this.#statementEnded()
    }
  }

  #failed(error: unknown): Error {
    if (isConnectionLoss(error)) this.#broken = true
    const named = toStoreError(error, this.#parts.settings.location) as Error
    this.#failure ??= { error: named }
    return named
  }

  #statementEnded(): void {
    if (--this.#underWay === 0) this.#allEnded?.resolve()
  }

  /** Resolves when nothing is under way any more, whatever came of it. */
  async #ended(): Promise<void> {
    if (this.#underWay === 0) return
    this.#allEnded ??= Promise.withResolvers()
    await this.#allEnded.promise
    // Whoever began the last one is told first.
    await Promise.resolve()
  }

  #side(session: Lent['session']): ReadSide {
    return { ...this.#parts.side, rows: (sql, values) => session.rows(sql, values) }
  }

  async #enter(): Promise<Lent> {
    this.#requireOpen()
    this.#begun ??= this.#begin()
    const lent = await this.#begun
    // It may have ended while this statement, which nobody awaited, waited for a connection.
    this.#requireOpen()
    return lent
  }

  async #begin(): Promise<Lent> {
    const lent = await this.#parts.connections.lendForTransaction()
    this.#lent = lent
    // The server has ended it, say because it did nothing for too long: nobody is to wait for its work.
    lent.session.client.once('end', this.#leaveTurn)
    await lent.session.client.query(this.#parts.settings.beginSql)
    this.#pipe = new StatementPipe(lent.session.client)
    this.#hasBegun = true
    return lent
  }

  #requireOpen(): void {
    if (this.#open && this.#failure === undefined) return
    const why = this.#open ? 'failed before, and can only be rolled back' : 'has ended'
    throw new UsageError(
      'TIDINGS_TRANSACTION_CLOSED',
      `This transaction ${why}. Nothing was done. Await every statement inside the function that was given to transaction(), and let its errors through.`,
      this.#failure === undefined ? {} : { cause: this.#failure.error },
    )
  }
}
