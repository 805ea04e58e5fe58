import { LinkedAbort } from '../../internal/linked-abort.ts'
import type { Envelope } from '../../contract/envelope.ts'
import type { Handler, HandlerContext } from '../handler.ts'
import { contextForMany, operator, runForMany, Tally, type Work } from './compose.ts'
import {
  optionalBoolean,
  requireFunction,
  requireMs,
  requireOptions,
  requireWhole,
} from '../options.ts'

export interface BatchOptions {
  /** Events of a batch at the most; 100 by default. */
  readonly size?: number
  /** Milliseconds after its first event that a batch waits for more at the most; 5,000 by default. */
  readonly maxAgeMs?: number
  /** Tries the halves of a failed batch, and so on, so that only the bad events fail; false by default. */
  readonly bisect?: boolean
}

/**
 * Hands events on many at a time.
 *
 * - A batch goes when it has `size` events, or when its first one is `maxAgeMs` old, or on close: a bus
 *   that closes waits for no age. Its
 *   age is counted from its first event: later ones do not put it off.
 * - Batches are handled one after the other, their events in the order in which they came.
 * - Each event's promise settles with its batch, so who awaits `publish` for each event by itself makes
 *   batches of one: publish side by side, or enqueue with a `concurrency` of at least `size`.
 * - A failed batch fails all its events. With `bisect` the handler is called again with its parts (so
 *   it must be able to take an event twice, or take all or none): one bad event of 100 costs 14 calls.
 * - The handler runs in no event's context: what it publishes has the cause that it says.
 *
 * @throws {UsageError} an option that it cannot take
 */
export function batch<E extends Envelope>(
  options: BatchOptions,
  handleBatch: Work<readonly E[]>,
): Handler<E> {
  requireOptions('batch', options)
  const { size = 100, maxAgeMs = 5000, bisect = false } = options
  requireWhole("batch's size", size)
  requireMs("batch's maxAgeMs", maxAgeMs)
  optionalBoolean("batch's bisect", options.bisect)
  requireFunction("batch's handler", handleBatch)
  const batches = new Batches<E>({ size, maxAgeMs, bisect }, handleBatch)
  return operator<E>(handleBatch, {
    isAsync: true,
    run: (event, ctx) => batches.add(event, ctx),
    finish: () => batches.flush(),
    release: () => batches.release(),
  })
}

interface Item<E> {
  readonly event: E
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface OpenBatch<E> {
  readonly ctx: HandlerContext
  readonly items: Item<E>[]
  /** Ends the waiting for its age; the listener's end does it too. */
  readonly waiting: LinkedAbort
}

const GONE = 'gone'

/** One batch collects (none, at first); those that are full or old wait in line and go one by one. */
class Batches<E extends Envelope> {
  readonly #options: Required<BatchOptions>
  readonly #handle: Work<readonly E[]>
  readonly #tally = new Tally()
  #open: OpenBatch<E> | undefined
  #last: Promise<void> = Promise.resolve()
  #released = false

  constructor(options: Required<BatchOptions>, handle: Work<readonly E[]>) {
    this.#options = options
    this.#handle = handle
  }

  add(event: E, ctx: HandlerContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const open = (this.#open ??= this.#begin(ctx))
      open.items.push({ event, resolve, reject })
      if (open.items.length === this.#options.size) this.#send(open)
    })
  }

  /** Nobody waits for a batch's age any more: what comes in one go is a batch. */
  release(): void {
    this.#released = true
    if (this.#open !== undefined) this.#send(this.#open)
  }

  /** Sends what there is, and resolves when all has been handled. */
  flush(): Promise<void> {
    if (this.#open !== undefined) this.#send(this.#open)
    return this.#tally.idle()
  }

  #begin(first: HandlerContext): OpenBatch<E> {
    const ctx = contextForMany(first)
    const waiting = new LinkedAbort(ctx.signal)
    const open: OpenBatch<E> = { ctx, items: [], waiting }
    const old = (): void => {
      if (this.#open === open) this.#send(open)
    }
    // Aborted, too, it must go: its callers wait. Its handler sees by the signal that it is late.
    const aged = this.#released
      ? Promise.resolve()
      : ctx.clock.sleep(this.#options.maxAgeMs, { signal: waiting.signal })
    aged.then(old, old)
    return open
  }

  #send(open: OpenBatch<E>): void {
    this.#open = undefined
    open.waiting.abort(GONE)
    this.#tally.begin()
    this.#last = this.#last
      .then(() => this.#settle(open.items, open.ctx))
      .finally(() => this.#tally.end())
  }

  /** Handles items, and tells their callers. Never rejects. */
  async #settle(items: readonly Item<E>[], ctx: HandlerContext): Promise<void> {
    try {
      const events = items.map((item) => item.event)
      const value = await runForMany(() => this.#handle(events, ctx))
      for (const item of items) item.resolve(value)
    } catch (error) {
      if (this.#options.bisect && items.length > 1 && !ctx.signal.aborted) {
        const middle = Math.ceil(items.length / 2)
        await this.#settle(items.slice(0, middle), ctx)
        await this.#settle(items.slice(middle), ctx)
      } else {
        for (const item of items) item.reject(error)
      }
    }
  }
}
