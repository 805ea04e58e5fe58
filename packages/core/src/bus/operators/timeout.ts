import { TimeoutError } from '../../errors/queue-errors.ts'
import { isThenable, type HandlerContext } from '../handler.ts'
import { eventsOf, operator, type Work } from './compose.ts'
import { requireFunction, requireMs, requireOptions } from '../options.ts'

export interface TimeoutOptions {
  /** Milliseconds, from the call on. */
  readonly ms: number
}

/**
 * Gives up waiting for a handler after a time, and tells it so by its `ctx.signal`.
 *
 * - The handler's signal is aborted with the {@link TimeoutError} that the caller gets, or with what
 *   aborted the outer one. A handler that ignores it runs on: nothing can stop it.
 * - What it throws after its time goes to `ctx.reportFailure`, unless it is the TimeoutError itself.
 * - A synchronous handler is never too late: it cannot be interrupted.
 *
 * @throws {TimeoutError} from the handler
 */
export function timeout<In>(options: TimeoutOptions, handler: Work<In>): Work<In> {
  requireOptions('timeout', options)
  const { ms } = options
  requireMs("timeout's ms", ms)
  requireFunction("timeout's handler", handler)
  return operator<In>(handler, {
    run: (input, ctx) => {
      const limit = new TimeLimit(ctx, ms)
      const isLate = (error: unknown): void => ctx.reportFailure(error, eventsOf(input))
      try {
        const answer = handler(input, { ...ctx, signal: limit.signal })
        if (isThenable(answer)) return limit.race(Promise.resolve(answer), isLate)
        limit.end()
        return answer
      } catch (error) {
        limit.end()
        throw error
      }
    },
  })
}

/** A reason made once: `abort()` without one makes an error, with its stack, for nobody. */
const IN_TIME = 'in time'

/** running → in time | timed out */
class TimeLimit {
  readonly #ctx: HandlerContext
  readonly #ms: number
  readonly #stop = new AbortController()
  readonly #timer = new AbortController()
  readonly #onAbort = (): void => this.#stop.abort(this.#ctx.signal.reason)

  constructor(ctx: HandlerContext, ms: number) {
    this.#ctx = ctx
    this.#ms = ms
    if (ctx.signal.aborted) this.#onAbort()
    else ctx.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  end(): void {
    this.#ctx.signal.removeEventListener('abort', this.#onAbort)
    this.#timer.abort(IN_TIME)
  }

  race(answer: Promise<unknown>, onLate: (error: unknown) => void): Promise<unknown> {
    const { clock, name } = this.#ctx
    return new Promise((resolve, reject) => {
      let late: TimeoutError | undefined
      const sleeping = clock.sleep(this.#ms, { signal: this.#timer.signal })
      sleeping.then(
        () => {
          late = new TimeoutError(`The handler '${name}'`, this.#ms)
          this.end()
          this.#stop.abort(late)
          reject(late)
        },
        (error: unknown) => {
          if (error !== IN_TIME) resolve(sleeping)
        },
      )
      answer.then(
        (value) => {
          this.end()
          resolve(value)
        },
        (error: unknown) => {
          this.end()
          if (late === undefined) resolve(answer)
          else if (error !== late) onLate(error)
        },
      )
    })
  }
}
