import type { Envelope } from '../../contract/envelope.ts'
import type { Handler, HandlerContext } from '../handler.ts'
import { Ring } from '../ring.ts'
import { operator, Tally } from './compose.ts'
import { MonotoneTime } from './monotone-time.ts'
import {
  optionalFunction,
  requireFunction,
  requireMs,
  requireOneOf,
  requireOptions,
  requireWhole,
} from '../options.ts'

export interface ThrottleOptions<E extends Envelope = Envelope> {
  /** Events that are begun within the interval at the most. */
  readonly limit: number
  readonly intervalMs: number
  /** What becomes of one too many: it waits (`wait`, the default), or is done with unhandled. */
  readonly excess?: 'wait' | 'drop'
  /** Told of each dropped event: its outcome says only that nothing failed. */
  readonly onDropped?: (event: E) => void
}

/**
 * Begins no more than `limit` events within any stretch of `intervalMs`, wherever it starts.
 *
 * - Those that wait are begun in the order in which they came; each one's promise settles with its
 *   handling. Closing lets them all come to their turn.
 * - When the signal is aborted what waits is rejected with its reason.
 * - A clock that jumps back can make it slower for an interval, never faster.
 *
 * @throws {UsageError} an option that it cannot take
 */
export function throttle<E extends Envelope>(
  options: ThrottleOptions<E>,
  handler: Handler<E>,
): Handler<E> {
  requireOptions('throttle', options)
  const { limit, intervalMs, excess = 'wait', onDropped } = options
  requireWhole("throttle's limit", limit)
  requireMs("throttle's intervalMs", intervalMs)
  requireOneOf("throttle's excess", excess, ['wait', 'drop'])
  optionalFunction("throttle's onDropped", onDropped)
  requireFunction("throttle's handler", handler)
  const pace = new Pace(limit, intervalMs)
  return operator<E>(handler, {
    isAsync: true,
    run: (event, ctx) => {
      if (pace.begin(ctx)) return handler(event, ctx)
      if (excess === 'wait') return pace.wait(ctx).then(() => handler(event, ctx))
      onDropped?.(event)
      return undefined
    },
    finish: () => pace.idle(),
  })
}

interface Waiting {
  readonly ctx: HandlerContext
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Gives out the right to begin. */
class Pace {
  readonly #limit: number
  readonly #intervalMs: number
  readonly #time = new MonotoneTime()
  /** When the last `limit` were begun. */
  readonly #begun = new Ring<number>()
  readonly #line = new Ring<Waiting>()
  readonly #tally = new Tally()

  constructor(limit: number, intervalMs: number) {
    this.#limit = limit
    this.#intervalMs = intervalMs
  }

  /** @returns whether one may begin now */
  begin(ctx: HandlerContext): boolean {
    if (this.#line.size > 0 || this.#missingMs(ctx) > 0) return false
    this.#note(ctx)
    return true
  }

  wait(ctx: HandlerContext): Promise<void> {
    this.#tally.begin()
    return new Promise<void>((resolve, reject) => {
      this.#line.push({ ctx, resolve, reject })
      if (this.#line.size === 1) void this.#letIn()
    }).finally(() => this.#tally.end())
  }

  idle(): Promise<void> {
    return this.#tally.idle()
  }

  async #letIn(): Promise<void> {
    for (let first = this.#line.peek(); first !== undefined; first = this.#line.peek()) {
      const { ctx, resolve, reject } = first
      try {
        ctx.signal.throwIfAborted()
        const missingMs = this.#missingMs(ctx)
        if (missingMs > 0) {
          await ctx.clock.sleep(missingMs, { signal: ctx.signal })
          continue
        }
        this.#note(ctx)
        resolve()
      } catch (error) {
        reject(error)
      }
      this.#line.shift()
    }
  }

  /** Milliseconds until one more may begin. */
  #missingMs(ctx: HandlerContext): number {
    if (this.#begun.size < this.#limit) return 0
    return this.#begun.peek()! + this.#intervalMs - this.#time.read(ctx.clock)
  }

  #note(ctx: HandlerContext): void {
    if (this.#begun.size === this.#limit) this.#begun.shift()
    this.#begun.push(this.#time.read(ctx.clock))
  }
}
