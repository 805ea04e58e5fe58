import type { StoredEnvelope } from '../contract/envelope.ts'
import { currentFrame, type TransactionMark } from '../internal/flow.ts'
import type { Store, StoreTransaction } from '../store/store.ts'

/** What is written in a transaction, after the handlers have done what they do. */
type LastWork = (tx: StoreTransaction) => Promise<readonly StoredEnvelope[]>

/**
 * The transaction of one attempt, or of several that share it: begun only when somebody needs it, so
 * that a handler which writes nothing holds nobody up.
 *
 * idle → open (by `open`) → committing (`commit`) or abandoned (`abandon`) → over
 */
export class HandlerTransaction {
  readonly #store: Store
  #current: StoreTransaction | undefined
  #finish: PromiseWithResolvers<void> | undefined
  #opened: Promise<StoreTransaction> | undefined
  #done: Promise<void> | undefined
  #mark: TransactionMark | undefined
  #abandoned: { readonly error: unknown } | undefined
  #beginning: Promise<void> | undefined

  constructor(store: Store) {
    this.#store = store
  }

  get isOpen(): boolean {
    return this.#opened !== undefined
  }

  /** On its way, and not there yet. */
  get isOpening(): boolean {
    return (
      this.#opened !== undefined && this.#current === undefined && this.#abandoned === undefined
    )
  }

  /** Settled when the first statement is, which may have to wait for other writers; undefined before it. */
  get beginning(): Promise<void> | undefined {
    return this.#beginning
  }

  /** @param statement one that was begun in it */
  began(statement: Promise<unknown>): void {
    // Whoever began it hears of its failure.
    const over = (): void => undefined
    this.#beginning ??= statement.then(over, over)
  }

  /** There when it is open and not abandoned: for whoever would rather not wait a turn. */
  get current(): StoreTransaction | undefined {
    return this.#abandoned === undefined ? this.#current : undefined
  }

  /** The store's own mark of the transaction, for whoever must not call the store from inside it. */
  get mark(): TransactionMark | undefined {
    return this.#mark
  }

  /** @throws the error with which it was abandoned; whatever the store throws when it cannot begin */
  async open(): Promise<StoreTransaction> {
    this.requireKept()
    this.#opened ??= this.#begin()
    return this.#opened
  }

  /** @throws the error with which it was abandoned */
  requireKept(): void {
    if (this.#abandoned !== undefined) throw this.#abandoned.error as Error
  }

  #begin(): Promise<StoreTransaction> {
    const opened = Promise.withResolvers<StoreTransaction>()
    const finish = Promise.withResolvers<void>()
    // A store that cannot even begin never listens to it: abandoned then, it would end the process.
    finish.promise.catch(() => undefined)
    this.#finish = finish
    this.#done = this.#store.transaction(
      async (tx) => {
        this.#mark = currentFrame()?.transaction
        this.#current = tx
        opened.resolve(tx)
        await finish.promise
      },
      { sharesCommit: true },
    )
    this.#done.catch(opened.reject)
    return opened.promise
  }

  /**
   * Runs `last` in it, and commits.
   *
   * @returns the events that `last` appended
   */
  async commit(last: LastWork): Promise<readonly StoredEnvelope[]> {
    const tx = this.current ?? (await this.open())
    try {
      const events = await last(tx)
      this.#finish?.resolve()
      await this.#done
      return events
    } catch (error) {
      await this.abandon(error)
      throw error
    }
  }

  /** Rolls back. Whatever uses it from here on gets `reason`. */
  async abandon(reason: unknown): Promise<void> {
    this.#abandoned ??= { error: reason }
    this.#finish?.reject(reason)
    // Its rejection is this error, which the caller has, or one of the rollback that says no more.
    if (this.#done !== undefined) await Promise.allSettled([this.#done])
  }
}
