import type { Envelope } from '../../contract/envelope.ts'
import type { Handler, HandlerContext } from '../handler.ts'
import { Ring } from '../ring.ts'
import { operator, Tally, type Work } from './compose.ts'
import {
  optionalFunction,
  requireFunction,
  requireKey,
  requireOptions,
  requireWhole,
} from '../options.ts'
import { Pool, type WaitingLine } from './pool.ts'

export interface ConcurrencyOptions<E extends Envelope = Envelope> {
  /** Events handled at the same time at the most; 10 by default. */
  readonly limit?: number
  /** Events of one key are handled one after the other, in the order in which they came. */
  readonly key?: (event: E) => string
}

/**
 * Handles a limited number of events at the same time; the others wait, the first to come first.
 *
 * - Each event's promise settles with its own handling.
 * - With a key, one that waits for others of its key takes no place from other keys.
 * - What waits is bounded by who publishes: await `publish`, or use the bus's queue.
 * - Closing lets all that came be handled. When the signal is aborted what still waits is rejected
 *   with its reason.
 *
 * @throws {UsageError} an option that it cannot take
 */
export function concurrency<E extends Envelope>(
  options: ConcurrencyOptions<E>,
  handler: Handler<E>,
): Handler<E> {
  requireOptions('concurrency', options)
  const { limit = 10, key } = options
  requireWhole("concurrency's limit", limit)
  optionalFunction("concurrency's key", key)
  requireFunction("concurrency's handler", handler)
  const pool = new Pool<E>(limit, new FirstCome(), handler)
  if (key === undefined) {
    return operator<E>(handler, {
      isAsync: true,
      run: (event, ctx) => pool.run(event, ctx),
      finish: () => pool.idle(),
    })
  }
  const lanes = new Lanes<E>((event, ctx) => pool.run(event, ctx))
  return operator<E>(handler, {
    isAsync: true,
    run: (event, ctx) => lanes.run(requireKey('concurrency', key(event)), event, ctx),
    finish: () => lanes.idle(),
  })
}

class FirstCome implements WaitingLine<unknown> {
  readonly #turns = new Ring<() => void>()

  add(turn: () => void): void {
    this.#turns.push(turn)
  }

  next(): (() => void) | undefined {
    return this.#turns.shift()
  }
}

/** Runs work of one key one after the other. Knows only the keys that have work. */
class Lanes<In> {
  readonly #work: Work<In>
  readonly #waiting = new Map<string, Ring<() => void>>()
  readonly #tally = new Tally()

  constructor(work: Work<In>) {
    this.#work = work
  }

  async run(key: string, input: In, ctx: HandlerContext): Promise<unknown> {
    this.#tally.begin()
    const lane = this.#waiting.get(key)
    if (lane === undefined) this.#waiting.set(key, new Ring())
    else await new Promise<void>((resolve) => lane.push(resolve))
    try {
      ctx.signal.throwIfAborted()
      return await this.#work(input, ctx)
    } finally {
      this.#leave(key)
    }
  }

  idle(): Promise<void> {
    return this.#tally.idle()
  }

  #leave(key: string): void {
    const turn = this.#waiting.get(key)?.shift()
    if (turn === undefined) this.#waiting.delete(key)
    else turn()
    this.#tally.end()
  }
}
