import { isThenable, type HandlerContext } from '../handler.ts'
import { operator, type Work } from './compose.ts'
import { requireFunction } from '../options.ts'

/**
 * Gives a handler's errors an owner of its own: for whoever calls it, the handler succeeds.
 *
 * What `onError` throws is a failure like any other, so nothing vanishes. (On the bus no failure
 * touches another handler in any case.)
 */
export function isolate<In>(
  handler: Work<In>,
  onError: (error: unknown, input: In, ctx: HandlerContext) => unknown,
): Work<In> {
  requireFunction("isolate's handler", handler)
  requireFunction("isolate's onError", onError)
  return operator<In>(handler, {
    run: (input, ctx) => {
      let answer: unknown
      try {
        answer = handler(input, ctx)
      } catch (error) {
        return onError(error, input, ctx)
      }
      if (!isThenable(answer)) return answer
      return Promise.resolve(answer).catch((error: unknown) => onError(error, input, ctx))
    },
  })
}
