import type { AppendResult } from 'tidings'
import { PlacedEvents, runOutside, type FoundEvent } from 'tidings/store'

import { appendAgain, type Outcome } from './append-again.ts'
import {
  appendRequests,
  learnNames,
  placeWritten,
  type Answer,
  type Refused,
  type Verdict,
} from './append-call.ts'
import type { AppendRequest } from './append-request.ts'
import { explainRefusal, findByIds } from './explain-refusal.ts'
import type { LogParts } from './log-parts.ts'
import { isConnectionLoss, isOfOne, toStoreError } from './store-failure.ts'

interface Waiting extends AppendRequest {
  readonly signal: AbortSignal | undefined
  readonly resolve: (results: readonly AppendResult[]) => void
  readonly reject: (error: unknown) => void
}

/** Events in one statement at the most, or one request. A larger one would keep its first callers waiting. */
const MAX_BATCH_EVENTS = 1000
/** Of payloads. They travel as one text, of which Node takes half a milliard and the server a gigabyte. */
const MAX_BATCH_CHARACTERS = 16_000_000
const NONE: ReadonlyMap<string, FoundEvent> = new Map()

/**
 * Appends that wait while another statement is on its way share the next one, and so one lock, one
 * journey and one wait for the disk. One statement is on its way at a time: with two, the second stands
 * in line for the lock of the first (8.3k instead of 28.7k events/s).
 *
 * idle → waiting (for the end of the turn) → appending → idle or waiting
 */
export class GroupCommit {
  readonly #parts: LogParts
  #queue: Waiting[] = []
  #running: Promise<void> | undefined
  readonly #explaining = new Set<Promise<void>>()

  constructor(parts: LogParts) {
    this.#parts = parts
  }

  append(request: AppendRequest, signal?: AbortSignal): Promise<readonly AppendResult[]> {
    return new Promise((resolve, reject) => {
      const { appends, command } = request
      this.#enqueue({ appends, command, signal, resolve, reject })
    })
  }

  /** Resolves when everything that waits now is answered. */
  async settled(): Promise<void> {
    while (this.#running !== undefined || this.#explaining.size > 0) {
      await this.#running
      await Promise.all(this.#explaining)
    }
  }

  #enqueue(waiting: Waiting): void {
    this.#queue.push(waiting)
    // Outside: the loop is nobody's transaction, and goes on for others.
    this.#running ??= runOutside(() => this.#run())
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await endOfTurn()
        await this.#parts.turns.ended()
        const batch = this.#takeBatch()
        if (batch.length > 0) await this.#flush(batch)
      }
    } finally {
      this.#running = undefined
    }
  }

  /** From the head of the queue, up to the first that has a stream or command of one before it. */
  #takeBatch(): readonly Waiting[] {
    const taken = new Set<string>()
    let events = 0
    let characters = 0
    let count = 0
    for (const { appends, command, signal } of this.#queue) {
      if (signal?.aborted !== true) {
        for (const append of appends) {
          events += append.events.length
          for (const { payloadJson } of append.events) characters += payloadJson.length
        }
        const again =
          appends.some(({ stream }) => taken.has(stream)) ||
          (command !== undefined && taken.has(command.commandId))
        if (
          taken.size > 0 &&
          (again || events > MAX_BATCH_EVENTS || characters > MAX_BATCH_CHARACTERS)
        )
          break
        for (const { stream } of appends) taken.add(stream)
        // No stream is named like an id: it holds a slash.
        if (command !== undefined) taken.add(command.commandId)
      }
      count++
    }
    const batch = this.#queue.splice(0, count)
    for (const { signal, reject } of batch) if (signal?.aborted === true) reject(signal.reason)
    return batch.filter(({ signal }) => signal?.aborted !== true)
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    const outcomes = await this.#decide(batch)
    const refused: [Waiting, Refused][] = []
    for (const [index, waiting] of batch.entries()) {
      const outcome = outcomes[index] as Outcome
      if (outcome.kind === 'written') waiting.resolve(outcome.results)
      else if (outcome.kind === 'failed') waiting.reject(outcome.error)
      else if (outcome.isNew === true) this.#answer(waiting, outcome, NONE)
      else refused.push([waiting, outcome])
    }
    if (refused.length === 0) return
    // Beside the next batch: whoever comes too late must not keep the others waiting.
    const explaining = this.#explain(refused)
    this.#explaining.add(explaining)
    void explaining.finally(() => this.#explaining.delete(explaining))
  }

  async #decide(batch: readonly AppendRequest[]): Promise<readonly Outcome[]> {
    const { names, settings, watch } = this.#parts
    const floor = watch.head
    try {
      await learnNames(batch, names)
      await settings.step?.('before-append')
      const verdicts = await this.#write(batch, false)
      await settings.step?.('acknowledged')
      return verdicts
    } catch (error) {
      const lost = isConnectionLoss(error)
      if (lost || isOfOne(error)) {
        const write = async (request: AppendRequest): Promise<readonly Verdict[]> => {
          // It may be these that failed: those of one, or all by a cut.
          await learnNames([request], names)
          return this.#write([request], true)
        }
        return appendAgain(batch, { ...this.#parts, write, floor, lost })
      }
      const named = toStoreError(error, settings.location)
      return batch.map(() => ({ kind: 'failed', error: named }))
    }
  }

  /** In one statement. @throws what the database says against the whole of it */
  async #write(batch: readonly AppendRequest[], strict: boolean): Promise<readonly Verdict[]> {
    const { connections, settings, names } = this.#parts
    const { session, giveBack } = await connections.lendWriter()
    try {
      const answer = await appendRequests(session, batch, { settings, names, strict })
      await settings.step?.('appended')
      giveBack()
      this.#tell(batch, answer)
      return answer.verdicts
    } catch (error) {
      giveBack(isConnectionLoss(error))
      throw error
    }
  }

  /** Those who hear of commits first, then those who wait for the log to go on. */
  #tell(batch: readonly AppendRequest[], { verdicts, behind }: Answer): void {
    const { teller, watch } = this.#parts
    if (teller.isHeard) {
      const placed = new PlacedEvents()
      placed.begin(behind)
      placeWritten(placed, batch, verdicts)
      teller.tell(placed)
    }
    for (const verdict of verdicts) {
      if (verdict.kind !== 'written') continue
      for (const { positions } of verdict.results) watch.appended(positions.at(-1) ?? 0)
    }
  }

  async #explain(refused: readonly [Waiting, Refused][]): Promise<void> {
    const requests = refused.map(([waiting]) => waiting)
    let found: ReadonlyMap<string, FoundEvent>
    try {
      found = await findByIds(this.#parts.side, requests)
    } catch (error) {
      for (const { reject } of requests) reject(error)
      return
    }
    for (const [waiting, verdict] of refused) this.#answer(waiting, verdict, found)
  }

  #answer(waiting: Waiting, verdict: Refused, found: ReadonlyMap<string, FoundEvent>): void {
    try {
      const results = explainRefusal(waiting, verdict, found)
      // What stood against it is gone: it is as if it came now.
      if (results === undefined) this.#enqueue(waiting)
      else waiting.resolve(results)
    } catch (error) {
      waiting.reject(error)
    }
  }
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
