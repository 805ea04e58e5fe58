import type { Envelope } from '../../contract/envelope.ts'
import { isThenable, type Handler } from '../handler.ts'
import { operator } from './compose.ts'
import {
  optionalFunction,
  requireFunction,
  requireKey,
  requireOptions,
  requireWhole,
} from '../options.ts'

export interface IdempotentOptions<E extends Envelope = Envelope> {
  /** Keys remembered at the most; the longest unseen is forgotten first. 10,000 by default. */
  readonly maxIds?: number
  /** What makes two events the same; `eventId` by default. */
  readonly key?: (event: E) => string
}

/**
 * Handles an event once, however often it comes, as long as its key is remembered.
 *
 * - One that failed is not remembered: it is handled when it comes again.
 * - One that comes while the first is being handled shares its outcome.
 * - The memory is bounded, and ends with the process. Durable subscriptions have a better one.
 *
 * @throws {UsageError} an option that it cannot take
 */
export function idempotent<E extends Envelope>(
  options: IdempotentOptions<E>,
  handler: Handler<E>,
): Handler<E> {
  requireOptions('idempotent', options)
  optionalFunction("idempotent's key", options.key)
  const { maxIds = 10_000, key: keyOf = (event: E) => event.eventId } = options
  requireWhole("idempotent's maxIds", maxIds)
  requireFunction("idempotent's handler", handler)
  const done = new RecentKeys(maxIds)
  const underWay = new Map<string, Promise<unknown> | undefined>()
  return operator<E>(handler, {
    run: (event, ctx) => {
      const key = requireKey('idempotent', keyOf(event))
      if (done.has(key)) return undefined
      if (underWay.has(key)) return underWay.get(key)
      // Before the call: a handler that publishes its own event again must not meet itself.
      underWay.set(key, undefined)
      const end = (isDone: boolean): void => {
        underWay.delete(key)
        if (isDone) done.add(key)
      }
      try {
        const answer = handler(event, ctx)
        if (isThenable(answer)) return remember(underWay, key, { answer, end })
        end(true)
        return answer
      } catch (error) {
        end(false)
        throw error
      }
    },
  })
}

interface RunningCall {
  readonly answer: PromiseLike<unknown>
  readonly end: (isDone: boolean) => void
}

function remember(
  underWay: Map<string, Promise<unknown> | undefined>,
  key: string,
  { answer, end }: RunningCall,
): Promise<unknown> {
  const promise = Promise.resolve(answer).then(
    (value) => {
      end(true)
      return value
    },
    (error: unknown) => {
      end(false)
      throw error
    },
  )
  underWay.set(key, promise)
  return promise
}

/** A set that forgets what was not asked for longest. */
class RecentKeys {
  readonly #keys = new Set<string>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  has(key: string): boolean {
    if (!this.#keys.delete(key)) return false
    this.#keys.add(key)
    return true
  }

  add(key: string): void {
    this.#keys.add(key)
    if (this.#keys.size > this.#max) this.#keys.delete(this.#keys.values().next().value!)
  }
}
