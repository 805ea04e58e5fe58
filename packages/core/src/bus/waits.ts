import type { Envelope } from '../contract/envelope.ts'
import { TimeoutError } from '../errors/queue-errors.ts'
import type { UsageError } from '../errors/usage-errors.ts'
import type { Clock } from '../internal/clock.ts'
import { currentFrame } from '../internal/flow.ts'
import type { Listener, ListenerOptions, WaitOptions } from './event-bus.ts'
import { BufferedStream, type EventStream, type EventStreamOptions } from './event-stream.ts'
import type { Handler } from './handler.ts'
import { requireAnswer } from './options.ts'
import { compileSelector, type Selector } from './selector.ts'

const OVER = 'The wait is over.'

export interface WaitPorts {
  readonly clock: Clock
  readonly subscribe: (selector: Selector, handler: Handler, options?: ListenerOptions) => Listener
}

/** Somebody who waits for events; the bus's close ends it. */
interface Wait {
  /** How many calls it holds up in a frame for as long as no event comes. */
  holds(frame: object): number
  end(error: UsageError): void
}

/** Those who wait for events of a bus: by `waitFor`, or in a loop over `events`. */
export class Waits {
  readonly #ports: WaitPorts
  readonly #open = new Set<Wait>()

  constructor(ports: WaitPorts) {
    this.#ports = ports
  }

  get size(): number {
    return this.#open.size
  }

  waitFor(
    selector: Selector,
    predicate: (event: Envelope) => boolean,
    { timeoutMs, signal }: WaitOptions,
  ): Promise<Envelope> {
    const frame = currentFrame()
    return new Promise((resolve, reject) => {
      const stop = new AbortController()
      const end = (): void => {
        listener.unsubscribe()
        this.#open.delete(wait)
        signal?.removeEventListener('abort', onAbort)
        // A reason of one's own, which nobody sees: without one it makes an error with a stack each time.
        stop.abort(OVER)
      }
      const fail = (error: unknown): void => {
        end()
        const reason: Error = error as Error
        reject(reason)
      }
      const onAbort = (): void => fail(signal?.reason)
      // One with a limit holds nothing up for good: it ends by itself.
      const holds = (held: object): number => Number(held === frame && timeoutMs === undefined)
      const wait: Wait = { holds, end: fail }
      const listener = this.#ports.subscribe(selector, (event) => {
        if (!requireAnswer("waitFor()'s predicate", predicate(event))) return
        end()
        resolve(event)
      })
      this.#open.add(wait)
      if (signal?.aborted === true) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      if (timeoutMs === undefined) return
      this.#ports.clock.sleep(timeoutMs, { signal: stop.signal }).then(
        () => fail(notCome(selector, timeoutMs)),
        // The sleep was ended because the event came: there is nothing more to say.
        () => undefined,
      )
    })
  }

  events(selector: Selector, options: EventStreamOptions): EventStream<Envelope> {
    options.signal?.throwIfAborted()
    const stream = new BufferedStream<Envelope>(options, () => {
      listener.unsubscribe()
      this.#open.delete(wait)
      options.signal?.removeEventListener('abort', onAbort)
    })
    const wait: Wait = { holds: (frame) => stream.takersIn(frame), end: () => stream.end() }
    const onAbort = (): void => stream.end({ error: options.signal?.reason })
    const push: Handler = (event) => stream.push(event)
    push.release = () => stream.release()
    const listener = this.#ports.subscribe(selector, push, { name: 'events()' })
    this.#open.add(wait)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    return stream
  }

  /** How many calls of a frame's handlers can go on only if an event comes. */
  heldIn(frame: object): number {
    let count = 0
    for (const wait of this.#open) count += wait.holds(frame)
    return count
  }

  /** Ends the waits that hold up a frame. */
  endIn(frame: object, error: UsageError): void {
    for (const wait of this.#open) if (wait.holds(frame) > 0) wait.end(error)
  }

  endAll(error: UsageError): void {
    for (const wait of this.#open) wait.end(error)
  }
}

function notCome(selector: Selector, timeoutMs: number): TimeoutError {
  const { description } = compileSelector(selector, undefined)
  return new TimeoutError(`The event that was waited for (${description})`, timeoutMs, {
    happened: 'did not come',
    next: 'Raise the limit, or find out why it is not published, or does not pass the predicate.',
  })
}
