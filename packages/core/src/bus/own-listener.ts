import { LazyAbort } from '../internal/lazy-abort.ts'
import {
  isAsyncHandler,
  type Handler,
  type HandledOutcome,
  type HandlerContext,
} from './handler.ts'
import type { ListenerEntry } from './listener-table.ts'
import type { CompiledSelector } from './selector.ts'

/** What a listener is made of. */
export interface ListenerParts extends Pick<HandlerContext, 'clock' | 'reportFailure'> {
  readonly id: string
  readonly name: string
  readonly selector: CompiledSelector
  readonly handler: Handler
  readonly priority: number
}

/** listening → ended (`active` is false) → aborted (its handler has ended too) */
export class OwnListener implements ListenerEntry {
  readonly id: string
  readonly name: string
  readonly selector: CompiledSelector
  readonly handler: Handler
  readonly priority: number
  readonly isAsync: boolean
  readonly handled: HandledOutcome
  active = true
  readonly #parts: ListenerParts
  readonly #abort = new LazyAbort()
  #context: HandlerContext | undefined

  constructor(parts: ListenerParts) {
    const { id, name, selector, handler, priority } = parts
    this.id = id
    this.name = name
    this.selector = selector
    this.handler = handler
    this.priority = priority
    this.isAsync = isAsyncHandler(handler)
    this.handled = Object.freeze({ listenerId: id, name, failed: false })
    this.#parts = parts
  }

  /** Made for the first event: a listener that hears none needs neither context nor signal. */
  get context(): HandlerContext {
    return (this.#context ??= this.#makeContext())
  }

  /** Aborts its signal. Twice is once. */
  abort(reason?: unknown): void {
    this.#abort.abort(reason)
  }

  /** Its signal is a plain property: operators hand copies of a context on. */
  #makeContext(): HandlerContext {
    const { id: listenerId, name, clock, reportFailure } = this.#parts
    const { signal } = this.#abort
    return { listenerId, name, signal, listenerSignal: signal, clock, reportFailure }
  }
}
