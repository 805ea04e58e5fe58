import { isThenable } from '../bus/handler.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import { FrameScope } from '../internal/flow.ts'
import { commit, interruptible, type AttemptPorts, type Completion } from './attempt.ts'
import type { Deadlines } from './deadlines.ts'
import { EventContext } from './event-context.ts'
import { HandlerWork, type WorkParts } from './handler-work.ts'
import { toEvent, type Item } from './item.ts'

/** Nothing of a group is done, since the handlers of some of its events failed. */
export class GroupFailure extends Error {
  readonly failed: ReadonlySet<StoredEnvelope>

  constructor(failed: ReadonlySet<StoredEnvelope>) {
    super(`${failed.size} events of a group failed`)
    this.name = 'GroupFailure'
    this.failed = failed
  }
}

/**
 * Handles events in one transaction: those of a key in order, different keys side by side.
 *
 * @param firsts the first of each key
 * @throws {GroupFailure} handlers failed; whatever else is thrown is about the group as a whole
 */
export async function attemptGroup(
  parts: AttemptPorts,
  firsts: readonly Item[],
  completion: Completion,
): Promise<void> {
  await interruptible(parts, true, async (shared) => {
    const run = new GroupRun(parts, shared)
    // Interrupted once for all of them: a race each would cost more than most handlers do. And all of
    // them end, whichever fails: the transaction must not be gone while others still use it.
    await shared.interruption.race(run.all(firsts))
    if (run.failed.size > 0) throw new GroupFailure(run.failed)
    await commit(parts, run.works, { transaction: shared.transaction, completion })
  })
}

const FIRST = { attempt: 1, laterUsed: 0, redrives: 0 } as const

/**
 * The handlers of a group. Nearly all of its keys have one event whose handler ends without waiting for
 * anything slow, so what is kept of each is a promise and what its context asks for, and no more.
 *
 * sweeping (the first event of each key is handed over) → waiting (for those that answer later) → over
 */
class GroupRun {
  readonly works: HandlerWork[] = []
  readonly failed = new Set<StoredEnvelope>()
  readonly #shared: WorkParts
  readonly #deadlines: Deadlines
  readonly #handOver: (work: HandlerWork) => unknown
  readonly #scope = new FrameScope()
  readonly #over = Promise.withResolvers<void>()
  /** Answers that are waited for, and the sweep. */
  #open = 1
  #isSweeping = true
  /** Those of the sweep have one deadline, since they begin together. */
  #firstOpen = 0
  #firstWatched: HandlerWork | undefined
  readonly #firstDone = (): void => this.#endFirst()

  constructor({ plan, deadlines }: AttemptPorts, shared: WorkParts) {
    this.#shared = shared
    this.#deadlines = deadlines
    this.#handOver = (work) => plan.handle!(work.event, new EventContext(FIRST, work))
  }

  /** Resolves when all have ended, however. @throws what the transaction could not begin for */
  async all(firsts: readonly Item[]): Promise<void> {
    try {
      await this.#sweep(firsts)
    } finally {
      this.#isSweeping = false
      // From here on: those that were handed over last get their whole time.
      if (this.#firstWatched !== undefined) this.#watchFirst(this.#firstWatched)
      this.#leave()
      await this.#over.promise
    }
  }

  async #sweep(firsts: readonly Item[]): Promise<void> {
    const { transaction, interruption } = this.#shared
    for (const first of firsts) {
      if (interruption.error !== undefined) return
      this.#advance(first)
      if (!transaction.isOpening) continue
      // Once it has begun, the statements of the others run where they stand, and none of them waits.
      await transaction.open()
      await transaction.beginning
    }
  }

  /** Hands over an event and those behind it, up to the first whose answer comes later. */
  #advance(first: Item | undefined): void {
    for (let item = first; item !== undefined; item = item.next) {
      if (this.#shared.interruption.error !== undefined) return
      const event = toEvent(item)
      const work = new HandlerWork(event, this.#shared)
      this.works.push(work)
      try {
        const answer = this.#scope.run(work, this.#handOver)
        if (!isThenable(answer)) continue
        this.#open++
        if (this.#isSweeping) this.#awaitFirst(answer, work, item.next)
        else this.#awaitLater(answer, work, item.next)
      } catch {
        // It runs again alone, and is told of then.
        this.failed.add(event)
      }
      return
    }
  }

  #awaitFirst(answer: PromiseLike<unknown>, work: HandlerWork, behind: Item | undefined): void {
    this.#firstOpen++
    if (this.#firstWatched === undefined) this.#watchFirst(work)
    const goOn = (): void => {
      this.#advance(behind)
      this.#endFirst()
    }
    const onDone = behind === undefined ? this.#firstDone : goOn
    void Promise.resolve(answer).then(onDone, () => {
      this.failed.add(work.event)
      this.#endFirst()
    })
  }

  #awaitLater(answer: PromiseLike<unknown>, work: HandlerWork, behind: Item | undefined): void {
    this.#deadlines.watch(work)
    void Promise.resolve(answer).then(
      () => {
        this.#deadlines.unwatch(work)
        this.#advance(behind)
        this.#leave()
      },
      () => {
        this.#deadlines.unwatch(work)
        this.failed.add(work.event)
        this.#leave()
      },
    )
  }

  #watchFirst(work: HandlerWork): void {
    if (this.#firstWatched !== undefined) this.#deadlines.unwatch(this.#firstWatched)
    this.#firstWatched = work
    this.#deadlines.watch(work)
  }

  #endFirst(): void {
    if (--this.#firstOpen === 0 && this.#firstWatched !== undefined) {
      this.#deadlines.unwatch(this.#firstWatched)
      this.#firstWatched = undefined
    }
    this.#leave()
  }

  #leave(): void {
    if (--this.#open === 0) this.#over.resolve()
  }
}
