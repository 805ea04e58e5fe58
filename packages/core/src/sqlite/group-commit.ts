import type { AppendResult } from '../store/store.ts'
import type { AppendRequest, EventWriter } from './event-writer.ts'
import { isConstraint, isFull, isSqliteFailure, toStoreError } from './store-failure.ts'
import { isTidingsError } from '../errors/tidings-error.ts'
import type { Writer } from './writer.ts'

interface Waiting extends AppendRequest {
  readonly signal: AbortSignal | undefined
  readonly resolve: (results: readonly AppendResult[]) => void
  readonly reject: (error: unknown) => void
}

type Answer =
  | { readonly ok: true; readonly results: readonly AppendResult[] }
  | { readonly ok: false; readonly error: unknown }

/**
 * Events in one transaction at the most, or one request: about 25 ms of work. A larger one would keep
 * the process, and the first of its callers, waiting for longer.
 */
const MAX_BATCH_EVENTS = 1000

/**
 * Appends that come in one turn of the event loop share a transaction, and so one wait for the disk:
 * with 32 callers six times the rate of a transaction each.
 *
 * idle → waiting (for the end of the turn, then for the writer) → committing → idle or waiting
 */
export class GroupCommit {
  readonly #writer: Writer
  readonly #events: EventWriter
  #queue: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(writer: Writer, events: EventWriter) {
    this.#writer = writer
    this.#events = events
  }

  append(request: AppendRequest, signal?: AbortSignal): Promise<readonly AppendResult[]> {
    return new Promise((resolve, reject) => {
      const { appends, command } = request
      this.#queue.push({ appends, command, signal, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when everything that waits now is answered. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await endOfTurn()
        await this.#writer.acquire()
        try {
          await this.#flush(this.#takeBatch())
        } finally {
          this.#writer.release()
        }
      }
    } finally {
      this.#running = undefined
    }
  }

  #takeBatch(): readonly Waiting[] {
    let events = 0
    let count = 0
    for (const { appends } of this.#queue) {
      for (const append of appends) events += append.events.length
      if (count > 0 && events > MAX_BATCH_EVENTS) break
      count++
    }
    const batch = this.#queue.splice(0, count)
    for (const { signal, reject } of batch) if (signal?.aborted === true) reject(signal.reason)
    return batch.filter(({ signal }) => signal?.aborted !== true)
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return
    let answers: readonly Answer[]
    try {
      answers = await this.#writeTogether(batch)
    } catch (error) {
      answers = isOfOne(error)
        ? await this.#writeSingly(batch)
        : batch.map(() => ({
            ok: false,
            error: toStoreError(error, this.#writer.settings.location),
          }))
    }
    for (const [index, { resolve, reject }] of batch.entries()) {
      const answer = answers[index] as Answer
      if (answer.ok) resolve(answer.results)
      else reject(answer.error)
    }
    this.#writer.step('acknowledged')
  }

  async #writeTogether(batch: readonly Waiting[]): Promise<readonly Answer[]> {
    await this.#writer.begin()
    try {
      const answers = batch.map((request) => this.#write(request))
      this.#writer.commit()
      return answers
    } catch (error) {
      this.#writer.rollback()
      throw error
    }
  }

  /** Each in its own transaction, so that only the one that the batch failed of fails. */
  async #writeSingly(batch: readonly Waiting[]): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    for (const request of batch) {
      await endOfTurn()
      answers.push(await this.#writeAlone(request))
    }
    return answers
  }

  async #writeAlone(request: Waiting): Promise<Answer> {
    try {
      const [answer] = await this.#writeTogether([request])
      return answer as Answer
    } catch (error) {
      return this.#explain(request, error)
    }
  }

  #explain(request: Waiting, error: unknown): Answer {
    try {
      const results = isConstraint(error)
        ? this.#events.explain(request, Number.POSITIVE_INFINITY)
        : undefined
      if (results !== undefined) return { ok: true, results }
      return { ok: false, error: toStoreError(error, this.#writer.settings.location) }
    } catch (explained) {
      return { ok: false, error: toStoreError(explained, this.#writer.settings.location) }
    }
  }

  /** An answer of the log is one request's own; any other error is the transaction's. */
  #write(request: Waiting): Answer {
    try {
      return { ok: true, results: this.#events.write(request) }
    } catch (error) {
      if (!isTidingsError(error)) throw error
      return { ok: false, error }
    }
  }
}

/** Whether it was one of the requests, rather than the file: then the others can still be stored. */
function isOfOne(error: unknown): boolean {
  const cause = isTidingsError(error) ? error.cause : error
  return isConstraint(cause) || isFull(cause) || !(isTidingsError(error) || isSqliteFailure(error))
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
