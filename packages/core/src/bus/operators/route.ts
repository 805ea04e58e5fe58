import type { Envelope } from '../../contract/envelope.ts'
import { UsageError } from '../../errors/usage-errors.ts'
import { isThenable, type Handler, type HandlerContext } from '../handler.ts'
import { operator } from './compose.ts'
import { requireFunction, requireObject, requireOneOf, requireOptions } from '../options.ts'

/** The event of a type, out of those that come. */
type EventOf<E extends Envelope, Type extends string> = E extends Envelope
  ? Type extends E['eventType']
    ? E
    : never
  : never

/** One handler, or several that are called one after the other. */
export type RouteHandlers<E extends Envelope> = Handler<E> | readonly Handler<E>[]

/** Handlers by event type. A key that no event has is a compile error, and so is a missing one. */
export type RouteTable<E extends Envelope> = {
  readonly [Type in E['eventType']]: RouteHandlers<EventOf<E, Type>>
}

export interface RouteOptions<E extends Envelope = Envelope> {
  /** Takes the events that have no route. */
  readonly default?: Handler<E>
  /** What becomes of an event without a route where there is no default: it fails (`fail`, the default), or is done with. */
  readonly missing?: 'fail' | 'ignore'
}

/**
 * Hands each event to the handler of its type.
 *
 * Several handlers of a type are called one after the other, each when the one before has ended; one
 * that fails ends the row. The table is read once, when the operator is made.
 *
 * Without options the table names every event that can come; with them it may leave some out.
 *
 * @throws {UsageError} a route that is no handler; from the handler: an event without a route, under `fail`
 */
export function route<E extends Envelope>(table: RouteTable<E>): Handler<E>
export function route<E extends Envelope>(
  table: Partial<RouteTable<E>>,
  options: RouteOptions<E>,
): Handler<E>
export function route<E extends Envelope>(
  table: Partial<RouteTable<E>>,
  options: RouteOptions<E> = {},
): Handler<E> {
  requireObject("route's table", table)
  requireOptions('route', options)
  const { default: fallback, missing = 'fail' } = options
  requireOneOf("route's missing", missing, ['fail', 'ignore'])
  if (fallback !== undefined) requireFunction("route's default", fallback)
  const routes = readTable<E>(table)
  const all = [...routes.values()].flat()
  return operator<E>(fallback === undefined ? all : [...all, fallback], {
    run: (event, ctx) => {
      const handlers = routes.get(event.eventType)
      if (handlers !== undefined) return callInTurn(handlers, event, ctx)
      if (fallback !== undefined) return fallback(event, ctx)
      if (missing === 'ignore') return undefined
      throw noRoute(event.eventType, routes)
    },
  })
}

/** A Map: a type that is called `constructor` has no route by accident. */
function readTable<E extends Envelope>(table: object): Map<string, readonly Handler<E>[]> {
  const routes = new Map<string, readonly Handler<E>[]>()
  for (const [type, entry] of Object.entries(table)) {
    const handlers = (Array.isArray(entry) ? entry : [entry]) as readonly Handler<E>[]
    for (const handler of handlers) requireFunction(`route's handler of ${type}`, handler)
    routes.set(type, handlers)
  }
  return routes
}

/** Synchronous as long as the handlers are. */
function callInTurn<E extends Envelope>(
  handlers: readonly Handler<E>[],
  event: E,
  ctx: HandlerContext,
): unknown {
  let answer: unknown
  for (const [index, handler] of handlers.entries()) {
    answer = handler(event, ctx)
    if (!isThenable(answer)) continue
    const rest = handlers.slice(index + 1)
    if (rest.length === 0) return answer
    // Of ours: a foreign thenable may call back twice, or answer its own `then` with nothing.
    return Promise.resolve(answer).then(() => callInTurn(rest, event, ctx))
  }
  return answer
}

function noRoute(type: string, routes: ReadonlyMap<string, unknown>): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `No route for ${type}; there are routes for ${[...routes.keys()].join(', ')}. Add one, a default, or missing: 'ignore'.`,
  )
}
