import { freezeEnvelope, type Envelope } from '../../contract/envelope.ts'
import { deepFreeze } from '../../contract/json.ts'
import { UsageError } from '../../errors/usage-errors.ts'
import { isThenable, type Handler, type HandlerContext } from '../handler.ts'
import { operator } from './compose.ts'
import { requireFunction } from '../options.ts'

/**
 * Hands on what the function makes of the event: a new one, or the same where nothing is to change.
 *
 * The event that came is never changed, in production neither: others hear it too. It is frozen to
 * the bottom before the function sees it, and what the function makes is frozen as well.
 *
 * @throws {UsageError} from the handler: the function tried to change the event, or answered with none
 */
export function transform<E extends Envelope, Out extends Envelope>(
  change: (event: E, ctx: HandlerContext) => Out | PromiseLike<Out>,
  handler: Handler<Out>,
): Handler<E> {
  requireFunction("transform's function", change)
  requireFunction("transform's handler", handler)
  return operator<E>(handler, {
    run: (event, ctx) => {
      const made = attempt(change, event, ctx)
      if (!isThenable(made)) return handler(checked(made, event), ctx)
      return Promise.resolve(made).then(
        (out) => handler(checked(out, event), ctx),
        (error: unknown) => {
          throw explained(error, event)
        },
      )
    },
  })
}

function attempt<E extends Envelope, Out>(
  change: (event: E, ctx: HandlerContext) => Out,
  event: E,
  ctx: HandlerContext,
): Out {
  Object.freeze(event.metadata)
  deepFreeze(event.payload)
  try {
    return change(Object.freeze(event), ctx)
  } catch (error) {
    throw explained(error, event)
  }
}

/** V8's words for a change of a frozen object. */
const FROZEN = /read only property|not extensible|Cannot (?:delete|redefine) property/

function explained(error: unknown, event: Envelope): unknown {
  if (!(error instanceof TypeError && FROZEN.test(error.message))) return error
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `transform's function tried to change ${event.eventType} itself, which others hear too (${error.message}). Return a copy: ({ ...event, metadata: { ...event.metadata, … } }).`,
    { cause: error },
  )
}

function checked<Out extends Envelope>(made: Out, event: Envelope): Out {
  const isEvent = typeof made === 'object' && made !== null && typeof made.eventType === 'string'
  if (isEvent) return freezeEnvelope(made)
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `transform's function answers with an event; for ${event.eventType} it answered with ${made === null ? 'null' : typeof made}. Return the new event, or the same one where nothing changes; filter() leaves events out.`,
  )
}
