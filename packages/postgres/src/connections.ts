import pg from 'pg'
import { StoreError } from 'tidings'
import { backoffMs } from 'tidings/store'

import type { PostgresSettings } from './options.ts'
import { makeSession, type Session } from './session.ts'
import { isConnectionLoss, isCrowded, toStoreError } from './store-failure.ts'

/** A session that is lent, and must be given back, whatever happens. */
export interface Lent {
  readonly session: Session
  /** @param broken whether the connection is of no more use */
  readonly giveBack: (broken?: boolean) => void
}

/**
 * What a statement of its own may wait for: rows that a transaction holds, or nothing that lasts. The former
 * stand in line with the transactions: a transaction waits for a reader to learn a name, and would wait
 * for ever where all of these wait for its rows.
 */
export type WaitsFor = 'rows' | 'nothing'

/**
 * The connections of one store, each opened when it is first needed. Those who append, who hold a
 * transaction and who read have connections of their own: a transaction that waits for a reader to learn
 * a name must not find all of them taken by transactions, nor by what waits for one.
 *
 * open → closed
 */
export class Connections {
  readonly #settings: PostgresSettings
  readonly #writer: pg.Pool
  readonly #transactions: pg.Pool
  readonly #readers: pg.Pool
  #kept: Lent | undefined

  constructor(settings: PostgresSettings) {
    this.#settings = settings
    // One appends, one listens.
    const shared = settings.connections - 2
    this.#writer = makePool(settings, 1)
    // Handlers of a group share a transaction: what they send does not wait for each other's answers.
    this.#transactions = makePool(settings, Math.ceil(shared / 2), { pipeline: true })
    this.#readers = makePool(settings, Math.floor(shared / 2))
  }

  /**
   * The one connection that appends, to one after the other. It stays with whoever had it first: handing it
   * back and forth costs a timer each time.
   */
  async lendWriter(): Promise<Lent> {
    this.#kept ??= await this.#lend(this.#writer)
    const { session, giveBack } = this.#kept
    return {
      session,
      giveBack: (broken = false) => {
        if (!broken) return
        giveBack(broken)
        this.#kept = undefined
      },
    }
  }

  lendForTransaction(): Promise<Lent> {
    return this.#lend(this.#transactions)
  }

  /** Runs `work`, which may be done twice: a connection that was cut while it lay idle is replaced. */
  async read<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      const { session, giveBack } = await this.#lend(this.#readers)
      try {
        const result = await work(session)
        giveBack()
        return result
      } catch (error) {
        giveBack(isConnectionLoss(error))
        // A restart cuts all of them: each attempt takes one away.
        if (!isConnectionLoss(error) || attempt > this.#settings.connections) {
          throw toStoreError(error, this.#settings.location)
        }
      }
    }
  }

  /** As `read`, for what must not be done twice: statements that are a transaction each. */
  async write<Result>(
    work: (session: Session) => Promise<Result>,
    waitsFor: WaitsFor = 'nothing',
  ): Promise<Result> {
    const pool = waitsFor === 'rows' ? this.#transactions : this.#readers
    const { session, giveBack } = await this.#lend(pool)
    try {
      const result = await work(session)
      giveBack()
      return result
    } catch (error) {
      giveBack(isConnectionLoss(error))
      throw toStoreError(error, this.#settings.location)
    }
  }

  /** Several statements in one transaction. */
  transact<Result>(
    work: (session: Session) => Promise<Result>,
    waitsFor: WaitsFor = 'nothing',
  ): Promise<Result> {
    return this.write(async (session) => {
      await session.client.query(this.#settings.beginSql)
      try {
        const result = await work(session)
        await commit(session.client, this.#settings.location)
        return result
      } catch (error) {
        if (!isConnectionLoss(error)) await session.client.query('rollback')
        throw error
      }
    }, waitsFor)
  }

  async close(): Promise<void> {
    this.#kept?.giveBack()
    await Promise.all([this.#writer.end(), this.#transactions.end(), this.#readers.end()])
  }

  async #lend(pool: pg.Pool): Promise<Lent> {
    const client = await connectAgain(this.#settings, () =>
      pool.connect().catch((error: unknown) => refuseConnection(error, this.#settings.location)),
    )
    let given = false
    return {
      session: makeSession(client, this.#settings.prepare),
      giveBack: (broken = false) => {
        if (given) return
        given = true
        client.release(broken)
      },
    }
  }
}

/**
 * Commits. To the COMMIT of a transaction in which a statement failed, PostgreSQL answers that it has rolled
 * it back, and calls that no error.
 *
 * @throws {StoreError} it was rolled back
 */
export async function commit(client: pg.ClientBase, location: string): Promise<void> {
  const { command } = await client.query('commit')
  if (command === 'COMMIT') return
  throw new StoreError(
    'TIDINGS_STORE_FAILED',
    location,
    `${location}: a statement of the transaction had failed, so PostgreSQL rolled it back. Nothing of it is there. Let the error of that statement through.`,
  )
}

/**
 * Connects, and tries again for a while where the server is not there or has no connection left.
 *
 * @throws {StoreError}
 */
export async function connectAgain<Client>(
  settings: PostgresSettings,
  connect: () => Promise<Client>,
): Promise<Client> {
  const { clock, random, reconnectLimitMs, location } = settings
  const startMs = clock.now()
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect()
    } catch (error) {
      const again = isConnectionLoss(error) || isCrowded(error)
      const delayMs = backoffMs(attempt, { baseMs: 10, maxMs: 500, random })
      if (!again || clock.now() + delayMs - startMs > reconnectLimitMs) {
        throw toStoreError(error, location)
      }
      await clock.sleep(delayMs)
    }
  }
}

/**
 * Lends a connection of its own, for work that belongs to no store.
 *
 * @throws {StoreError}
 */
export async function withClient<Result>(
  settings: PostgresSettings,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  let client: pg.Client | undefined
  try {
    client = await connectAgain(settings, async () => {
      const { connection, connectTimeoutMs } = settings
      const next = new pg.Client({ connectionTimeoutMillis: connectTimeoutMs, ...connection })
      // Whoever uses it gets its error.
      next.on('error', ignore)
      await next.connect().catch((error: unknown) => refuseConnection(error, settings.location))
      return next
    })
    return await work(client)
  } catch (error) {
    throw toStoreError(error, settings.location)
  } finally {
    await client?.end()
  }
}

/** What `pg` refuses by itself, such as a password that is missing, has no code and says nothing of where it was. */
function refuseConnection(error: unknown, location: string): never {
  if (!(error instanceof Error) || toStoreError(error, location) !== error) throw error
  throw new StoreError(
    'TIDINGS_STORE_REFUSED',
    location,
    `${location}: no connection can be made (${error.message}). Check user and password.`,
    { cause: error },
  )
}

function makePool(
  { connection, connectTimeoutMs }: PostgresSettings,
  max: number,
  options: Pick<pg.PoolConfig, 'pipeline'> = {},
): pg.Pool {
  // The pool's own limit would hold for waiting in line as well, and fail who comes behind long transactions.
  class Client extends pg.Client {
    constructor() {
      // As it was given: the pool hides the password in its own copy from whoever lists it.
      super({ ...connection, ...options, connectionTimeoutMillis: connectTimeoutMs })
    }
  }
  const pool = new pg.Pool({ ...connection, ...options, Client, max })
  // Whoever uses a connection gets its error; one that nobody uses is replaced by the next call.
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  return pool
}

function ignore(): void {
  // See where it is used.
}
