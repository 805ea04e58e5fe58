import { attemptBatch, type AttemptPorts } from './attempt.ts'
import { toAttempt, toEvent, type Item } from './item.ts'
import type { EventRunner } from './event-runner.ts'
import type { ParkedIndex } from './parked-index.ts'
import { PartialFailure } from './partial-failure.ts'
import { SessionOver } from './session-end.ts'
import { tellHandled } from './tell.ts'

export interface BatchParts {
  readonly attempts: AttemptPorts
  readonly runner: EventRunner
  readonly index: ParkedIndex
  readonly mayBegin: () => boolean
  /** Takes an event through its attempts, alone. @returns whether it is done */
  readonly run: (item: Item) => Promise<boolean>
  /** A batch has handled it. */
  readonly done: (item: Item) => void
}

/** Hands batches to their handler, and halves those that fail until the culprit stands alone. */
export class BatchRunner {
  readonly #parts: BatchParts

  constructor(parts: BatchParts) {
    this.#parts = parts
  }

  /** @returns those that are not done, and are to be put back */
  async run(items: readonly Item[]): Promise<readonly Item[]> {
    let batch: Item[] = []
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!
      if (this.#fitsBatch(item)) {
        batch.push(item)
        continue
      }
      // A person may have paused it meanwhile: what went alone can have taken long.
      const isPaused = batch.length < index && !this.#parts.mayBegin()
      if (isPaused) return [...batch, ...items.slice(index)]
      if (mustFollow(item, batch)) {
        const held = await this.#handleBatch(batch)
        if (held.length > 0 || !this.#parts.mayBegin()) return [...held, ...items.slice(index)]
        batch = []
      }
      if (!(await this.#parts.run(item))) return [...batch, ...items.slice(index)]
    }
    const isPaused = batch.length < items.length && !this.#parts.mayBegin()
    return batch.length === 0 || isPaused ? batch : this.#handleBatch(batch)
  }

  #fitsBatch({ plan, isWatched }: Item): boolean {
    return plan.kind === 'handle' && !isWatched && !this.#parts.index.has(plan.key)
  }

  /** One after the other. @returns the first that may not run now, and all behind it */
  async #runEach(items: readonly Item[]): Promise<readonly Item[]> {
    for (const [index, item] of items.entries()) {
      const mayRun = index === 0 || this.#parts.mayBegin()
      if (!mayRun || !(await this.#parts.run(item))) return items.slice(index)
    }
    return []
  }

  async #handleBatch(batch: readonly Item[]): Promise<readonly Item[]> {
    if (batch.length === 1) return this.#runEach(batch)
    const positions = batch.map(({ stored }) => stored.position)
    const startMs = performance.now()
    try {
      await attemptBatch(this.#parts.attempts, batch.map(toAttempt), { positions, parked: [] })
    } catch (error) {
      if (error instanceof SessionOver) throw error
      if (error instanceof PartialFailure) return this.#endPartly(batch, error, startMs)
      const half = Math.ceil(batch.length / 2)
      const held = await this.run(batch.slice(0, half))
      // A person may have paused it meanwhile: the rest of a batch can take long.
      if (held.length > 0 || !this.#parts.mayBegin()) return [...held, ...batch.slice(half)]
      return this.run(batch.slice(half))
    }
    this.#tellDone(batch, startMs)
    return []
  }

  #tellDone(items: readonly Item[], startMs: number): void {
    tellHandled(this.#parts.attempts, () => items.map(toEvent), startMs)
    for (const item of items) this.#parts.done(item)
  }

  /** What its handler did not name is done; what it named goes through its attempts, each alone. */
  async #endPartly(
    batch: readonly Item[],
    { failures }: PartialFailure,
    startMs: number,
  ): Promise<readonly Item[]> {
    const failed = new Set(failures.map(({ event }) => event.eventId))
    const [rest, done] = [
      batch.filter(({ stored }) => failed.has(stored.eventId)),
      batch.filter(({ stored }) => !failed.has(stored.eventId)),
    ]
    const { writer } = this.#parts.attempts
    await this.#parts.runner.insist(() => writer.allDone(done.map(({ stored }) => stored.position)))
    this.#tellDone(done, startMs)
    return this.#runEach(rest)
  }
}

/** Whether what goes alone has to wait for those before it. One that is only put aside need not, usually. */
function mustFollow({ plan, isWatched }: Item, before: readonly Item[]): boolean {
  if (before.length === 0) return false
  return isWatched || before.some((other) => other.plan.key === plan.key)
}
