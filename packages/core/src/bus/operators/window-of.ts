/** Events of one key that lie near each other in time. */
export interface WindowOf<E> {
  /** What `key` answered; an empty text without it. */
  readonly key: string
  /** In the order in which they came; in a sliding window in that of their times. */
  readonly events: readonly E[]
  /** Milliseconds since the epoch. A tumbling window holds its start and not its end, a sliding one the reverse. */
  readonly startMs: number
  readonly endMs: number
  /** It held `count` events; its time was over; the handler was closed; there were more than `maxKeys`. */
  readonly reason: 'count' | 'end' | 'close' | 'full'
}
