import { UsageError } from '../errors/usage-errors.ts'
import { currentFrame } from '../internal/flow.ts'

/** Other work that has to come to its end: the handlers of a bus. */
export interface Drainable {
  readonly busy: boolean
  /** Begins to close: takes work of what is under way only. @param isBusyElsewhere whether that is more than its own */
  beginClosing(isBusyElsewhere: () => boolean): void
  drain(): Promise<void>
}

/**
 * What an application has under way, and whether it may begin more.
 *
 * open → draining (what is under way ends, and may begin what it still has to) → closed
 */
export class Lifecycle {
  #state: 'open' | 'draining' | 'closed' = 'open'
  readonly #running = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  get state(): 'open' | 'draining' | 'closed' {
    return this.#state
  }

  /** How many pieces of work are under way. */
  get running(): number {
    return this.#running.size
  }

  /** Begins work that `close` waits for. @throws {UsageError} `TIDINGS_CLOSED` */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const isLate = this.#state === 'draining' && currentFrame() === undefined
    if (isLate || this.#state === 'closed') return Promise.reject(closedError())
    const running = work()
    this.#running.add(running)
    const forget = (): void => void this.#running.delete(running)
    running.then(forget, forget)
    return running
  }

  /**
   * Waits for what is under way, then runs `end`; once, however often it is called. Within a handler or
   * a command it cannot be waited for, since it waits for that very one: there it resolves at once.
   */
  close(others: Drainable, end: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#close(others, end)
    return currentFrame() === undefined ? this.#closed : Promise.resolve()
  }

  async #close(others: Drainable, end: () => Promise<void>): Promise<void> {
    this.#state = 'draining'
    others.beginClosing(() => this.#running.size > 0)
    while (this.#running.size > 0 || others.busy) {
      await Promise.allSettled(this.#running)
      await others.drain()
    }
    this.#state = 'closed'
    await end()
  }
}

function closedError(): UsageError {
  return new UsageError(
    'TIDINGS_CLOSED',
    'The application is closing: it begins no further work. Stop what takes requests before it is closed.',
  )
}
