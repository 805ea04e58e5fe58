import type { Envelope } from '../contract/envelope.ts'
import { QueueFullError } from '../errors/queue-errors.ts'
import { currentFrame, type Frame } from '../internal/flow.ts'
import { requireOneOf, requireWhole } from './options.ts'
import { Ring } from './ring.ts'

/**
 * What a full buffer does: holds the publisher up until there is room (`wait`), forgets the oldest or
 * the newest event, or ends the iteration with an error.
 */
export type BufferOverflow = 'wait' | 'drop-oldest' | 'drop-newest' | 'fail'

export interface EventStreamOptions {
  /** Events held for the loop at the most; 1,000 by default. */
  readonly bufferSize?: number
  /** `wait` by default. */
  readonly overflow?: BufferOverflow
  readonly signal?: AbortSignal
}

const OVERFLOWS: readonly BufferOverflow[] = ['wait', 'drop-oldest', 'drop-newest', 'fail']

/** Events as they come, for one `for await` loop. Leaving the loop ends it. */
export interface EventStream<E extends Envelope> extends AsyncIterableIterator<E>, AsyncDisposable {
  /** Events that a full buffer has cost. */
  readonly dropped: number
}

interface Taker<E> {
  /** Of the code that waits. */
  readonly frame: Frame | undefined
  readonly resolve: (result: IteratorResult<E, undefined>) => void
  readonly reject: (error: unknown) => void
}

/** listening → ended (by `return`, the signal, the bus's close, or a full buffer under `fail`) */
export class BufferedStream<E extends Envelope> implements EventStream<E> {
  readonly #buffer = new Ring<E>()
  readonly #takers: Taker<E>[] = []
  readonly #publishers: (() => void)[] = []
  readonly #bufferSize: number
  readonly #overflow: BufferOverflow
  readonly #onEnd: () => void
  #ended = false
  #released = false
  #error: { readonly error: unknown } | undefined
  #dropped = 0

  constructor(options: EventStreamOptions, onEnd: () => void) {
    this.#bufferSize = options.bufferSize ?? 1000
    this.#overflow = options.overflow ?? 'wait'
    this.#onEnd = onEnd
    requireWhole("events()'s bufferSize", this.#bufferSize)
    requireOneOf("events()'s overflow", this.#overflow, OVERFLOWS)
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Takes an event; under `wait` the promise holds its publisher up until there is room. */
  push(event: E): Promise<void> | undefined {
    if (this.#ended) return undefined
    const taker = this.#takers.shift()
    if (taker !== undefined) {
      taker.resolve({ done: false, value: event })
      return undefined
    }
    if (this.#buffer.size >= this.#bufferSize) return this.#full(event)
    this.#buffer.push(event)
    return undefined
  }

  #full(event: E): Promise<void> | undefined {
    if (this.#overflow === 'wait' && !this.#released) return this.#holdUp(event)
    if (this.#overflow === 'wait') {
      this.#buffer.push(event)
      return undefined
    }
    if (this.#overflow === 'fail') {
      this.end({ error: new QueueFullError(event.eventType, this.#bufferSize) })
      return undefined
    }
    this.#dropped++
    if (this.#overflow === 'drop-newest') return undefined
    this.#buffer.shift()
    this.#buffer.push(event)
    return undefined
  }

  /** Behind those that wait already: each puts its own event in when its turn comes. */
  #holdUp(event: E): Promise<void> {
    return new Promise((resolve) =>
      this.#publishers.push(() => {
        if (!this.#ended) this.#buffer.push(event)
        resolve()
      }),
    )
  }

  next(): Promise<IteratorResult<E, undefined>> {
    const event = this.#buffer.shift()
    if (event !== undefined) {
      this.#publishers.shift()?.()
      return Promise.resolve({ done: false, value: event })
    }
    if (this.#error !== undefined) {
      const { error } = this.#error
      this.#error = undefined
      const reason: Error = error as Error
      return Promise.reject(reason)
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    const frame = currentFrame()
    return new Promise((resolve, reject) => this.#takers.push({ frame, resolve, reject }))
  }

  /** How many calls of `next` wait within a frame. */
  takersIn(frame: object): number {
    return this.#takers.filter((taker) => taker.frame === frame).length
  }

  return(): Promise<IteratorResult<E, undefined>> {
    this.end()
    while (this.#buffer.shift() !== undefined);
    return Promise.resolve({ done: true, value: undefined })
  }

  /** A bus that closes must not wait for a loop that nobody runs: no publisher is held up any more. */
  release(): void {
    this.#released = true
    for (const admit of this.#publishers.splice(0)) admit()
  }

  /** Ends it: what is buffered can still be taken, then comes the error, if any. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#ended) return
    this.#ended = true
    const takers = this.#takers.splice(0)
    const first = failure === undefined ? undefined : takers.shift()
    // One call is told the error: the one that waits, or else the next one after the buffer.
    if (first === undefined) this.#error = failure
    else first.reject(failure?.error)
    for (const taker of takers) taker.resolve({ done: true, value: undefined })
    for (const admit of this.#publishers.splice(0)) admit()
    this.#onEnd()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
