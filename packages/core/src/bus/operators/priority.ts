import type { Envelope } from '../../contract/envelope.ts'
import { toPriority, type Priority } from '../event-queue.ts'
import type { Handler } from '../handler.ts'
import { PriorityQueue } from '../priority-queue.ts'
import { operator } from './compose.ts'
import { requireFunction, requireOptions, requireWhole } from '../options.ts'
import { Pool, type WaitingLine } from './pool.ts'

export interface PriorityOptions<E extends Envelope = Envelope> {
  /** high, medium, low, or a number: higher ones first. */
  readonly of: (event: E) => Priority
  /** Events handled at the same time at the most; 1 by default. */
  readonly limit?: number
}

/**
 * Handles the most important of the waiting events first; within a priority the first to come.
 *
 * It orders what waits: an event that comes while there is room is handled at once, and none is
 * interrupted. Low ones wait as long as higher ones come (the bus's queue has aging against that).
 * Closing lets all that came be handled; an aborted signal rejects what still waits, with its reason.
 *
 * @throws {UsageError} an option that it cannot take; from the handler: `of` answers with no priority
 */
export function priority<E extends Envelope>(
  options: PriorityOptions<E>,
  handler: Handler<E>,
): Handler<E> {
  requireOptions('priority', options)
  const { of, limit = 1 } = options
  requireFunction("priority's of", of)
  requireWhole("priority's limit", limit)
  requireFunction("priority's handler", handler)
  const pool = new Pool<Ranked<E>>(limit, new MostImportantFirst(), ({ event }, ctx) =>
    handler(event, ctx),
  )
  return operator<E>(handler, {
    isAsync: true,
    run: (event, ctx) => pool.run({ event, priority: toPriority(of(event)) }, ctx),
    finish: () => pool.idle(),
  })
}

interface Ranked<E> {
  readonly event: E
  readonly priority: number
}

class MostImportantFirst implements WaitingLine<Ranked<unknown>> {
  readonly #turns = new PriorityQueue<() => void>()

  add(turn: () => void, { priority }: Ranked<unknown>): void {
    this.#turns.push(turn, priority)
  }

  next(): (() => void) | undefined {
    return this.#turns.shift()
  }
}
