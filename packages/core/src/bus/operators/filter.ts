import type { Envelope } from '../../contract/envelope.ts'
import type { Handler, HandlerContext } from '../handler.ts'
import { operator } from './compose.ts'
import { requireAnswer, requireFunction } from '../options.ts'

/**
 * Hands on the events that the predicate answers with true for; the others are done with.
 *
 * The predicate is synchronous: a promise would be true whatever it holds, so it is refused.
 * What the predicate throws is the handler's failure. A type guard narrows the handler's event.
 */
export function filter<E extends Envelope, F extends E>(
  predicate: (event: E, ctx: HandlerContext) => event is F,
  handler: Handler<F>,
): Handler<E>
export function filter<E extends Envelope>(
  predicate: (event: E, ctx: HandlerContext) => boolean,
  handler: Handler<E>,
): Handler<E>
export function filter<E extends Envelope>(
  predicate: (event: E, ctx: HandlerContext) => boolean,
  handler: Handler<E>,
): Handler<E> {
  requireFunction("filter's predicate", predicate)
  requireFunction("filter's handler", handler)
  return operator<E>(handler, {
    run: (event, ctx) =>
      requireAnswer("filter's predicate", predicate(event, ctx)) ? handler(event, ctx) : undefined,
  })
}
