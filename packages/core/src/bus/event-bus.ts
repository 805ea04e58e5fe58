import type { AnyEventDefinition } from '../contract/definition.ts'
import type { Envelope } from '../contract/envelope.ts'
import { compileGlob } from '../contract/glob.ts'
import { runInFrame } from '../internal/flow.ts'
import { UsageError } from '../errors/usage-errors.ts'

/** Selects every event. */
export const ANY: unique symbol = Symbol('ANY')

/** What a listener wants: a definition, several, a glob over dotted names, or everything. */
export type Selector = AnyEventDefinition | readonly AnyEventDefinition[] | string | typeof ANY

/** `Todo.**` → `Todo.${string}`. Wider than the glob, which is exact at run time. */
type GlobPattern<Glob extends string> = Glob extends `${infer Head}**${infer Tail}`
  ? `${Head}${string}${GlobPattern<Tail>}`
  : Glob extends `${infer Head}*${infer Tail}`
    ? `${Head}${string}${GlobPattern<Tail>}`
    : Glob

type Matching<Known extends Envelope, Glob extends string> =
  Known extends Envelope<infer Type> ? (Type extends GlobPattern<Glob> ? Known : never) : never

/** The events that a selector selects, out of those that an application knows. */
export type Selected<S, Known extends Envelope> = S extends typeof ANY
  ? Known
  : S extends AnyEventDefinition
    ? S['~event']
    : S extends readonly (infer D extends AnyEventDefinition)[]
      ? D['~event']
      : S extends string
        ? Matching<Known, S>
        : never

/** The selector itself, or a sentence that says that it selects nothing. */
export type CheckedSelector<S, Known extends Envelope> = S extends string
  ? [Matching<Known, S>] extends [never]
    ? `✗ no event of this app matches '${S}'`
    : S
  : S

export interface ListenerContext {
  readonly listenerId: string
}

export interface ListenerOptions {
  /** For messages about it; the selector by default. */
  readonly name?: string
}

/** An ephemeral interest in events. (A durable one is a subscription.) */
export interface Listener extends Disposable {
  readonly id: string
  /** Ends it: no event that is delivered from now on reaches it. Twice is once. */
  unsubscribe(): void
}

/** A failed listener: nobody else is touched by it, and it is handed to whoever owns failures. */
export interface ListenerFailure {
  readonly listenerId: string
  readonly name: string
  readonly event: Envelope
  readonly error: unknown
}

export interface EventBus<Known extends Envelope = Envelope> {
  /**
   * Calls `handler` for each matching event that this process commits, after the commit. Ephemeral: what
   * is committed while the process is down, or elsewhere, is not delivered here.
   *
   * @throws {UsageError} the selector matches no event that this application knows
   */
  subscribe<const S extends Selector>(
    selector: S & CheckedSelector<S, Known>,
    handler: (event: Selected<S, Known>, ctx: ListenerContext) => unknown,
    options?: ListenerOptions,
  ): Listener
}

interface Entry {
  readonly id: string
  readonly name: string
  readonly matches: (type: string) => boolean
  readonly handler: (event: Envelope, ctx: ListenerContext) => unknown
}

/** What the bus needs to know of the application. */
export interface BusPorts {
  readonly knownTypes: () => Iterable<string>
  readonly onFailure: (failure: ListenerFailure) => void
}

/**
 * The in-process listeners of one application.
 *
 * open → closed (by `close`; `drain` before it waits for the handlers that still run).
 */
export class ListenerBus {
  readonly #ports: BusPorts
  #entries: readonly Entry[] = []
  readonly #running = new Set<Promise<unknown>>()
  #lastId = 0
  #closed = false

  constructor(ports: BusPorts) {
    this.#ports = ports
  }

  subscribe(
    selector: Selector,
    handler: Entry['handler'],
    options: ListenerOptions = {},
  ): Listener {
    if (this.#closed)
      throw new UsageError(
        'TIDINGS_CLOSED',
        'The application is closed: it delivers no further events.',
      )
    const id = `listener-${++this.#lastId}`
    const entry: Entry = {
      id,
      name: options.name ?? describeSelector(selector),
      matches: this.#compile(selector),
      handler,
    }
    // Copied, not changed: a delivery under way goes on with the listeners that it began with.
    this.#entries = [...this.#entries, entry]
    const unsubscribe = (): void => {
      this.#entries = this.#entries.filter((other) => other !== entry)
    }
    return { id, unsubscribe, [Symbol.dispose]: unsubscribe }
  }

  #compile(selector: Selector): Entry['matches'] {
    if (selector === ANY) return () => true
    if (typeof selector === 'string') {
      const matches = compileGlob(selector)
      for (const type of this.#ports.knownTypes()) if (matches(type)) return matches
      throw new UsageError(
        'TIDINGS_ARGUMENT_INVALID',
        `No event of this application matches '${selector}'. Use a dotted name, or a glob: * stands for one segment, ** for any number.`,
      )
    }
    const definitions = Array.isArray(selector)
      ? (selector as readonly AnyEventDefinition[])
      : [selector as AnyEventDefinition]
    const types = new Set(definitions.map((definition) => definition.type))
    const known = new Set(this.#ports.knownTypes())
    for (const type of types) if (!known.has(type)) throw unknownType(type)
    return (type) => types.has(type)
  }

  /** Hands committed events to the listeners, in order. Never throws: a failure goes to its owner. */
  deliver(events: readonly Envelope[]): void {
    if (this.#entries.length === 0) return
    for (const event of events) {
      for (const entry of this.#entries) {
        if (entry.matches(event.eventType)) this.#call(entry, event)
      }
    }
  }

  #call(entry: Entry, event: Envelope): void {
    const fail = (error: unknown): void => {
      this.#ports.onFailure({ listenerId: entry.id, name: entry.name, event, error })
    }
    try {
      const answer = runInFrame(event, () => entry.handler(event, { listenerId: entry.id }))
      if (!isThenable(answer)) return
      const running: Promise<unknown> = Promise.resolve(answer)
        .catch(fail)
        .finally(() => this.#running.delete(running))
      this.#running.add(running)
    } catch (error) {
      fail(error)
    }
  }

  /** Resolves when no handler is running any more, those that running ones started included. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Whether a handler is still running. */
  get busy(): boolean {
    return this.#running.size > 0
  }

  /** Lets go of every listener, and takes no new one. Drain first: what still runs is not waited for. */
  close(): void {
    this.#closed = true
    this.#entries = []
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

function unknownType(type: string): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `No module of this application knows '${type}': it would never be delivered. Add its definition to a module.`,
  )
}

function describeSelector(selector: Selector): string {
  if (selector === ANY) return 'ANY'
  if (typeof selector === 'string') return selector
  return (
    Array.isArray(selector)
      ? (selector as readonly AnyEventDefinition[])
      : [selector as AnyEventDefinition]
  )
    .map((definition) => definition.type)
    .join(', ')
}
