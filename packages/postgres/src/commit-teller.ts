import type { CommitListener } from 'tidings'
import type { PlacedEvents } from 'tidings/store'

/**
 * Tells those who hear of commits what this process has added to the log, in order of position. Commits of
 * two connections can be acknowledged in the other order: the earlier one is then not told, and is read.
 */
export class CommitTeller {
  readonly listeners: Set<CommitListener> = new Set()
  #upTo = 0

  /** Whether anybody hears: what they are told is gathered only then. */
  get isHeard(): boolean {
    return this.listeners.size > 0
  }

  /** What was placed is committed. */
  tell(placed: PlacedEvents): void {
    const committed = placed.committed()
    if (committed === undefined || committed.upTo <= this.#upTo) return
    this.#upTo = committed.upTo
    for (const listener of this.listeners) listener(committed)
  }
}
