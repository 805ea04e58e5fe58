import type { StoredEnvelope } from '../contract/envelope.ts'

/** What one commit of this process added to the log. */
export interface Committed {
  /** The position of the last event before it: nothing lies between, and nothing ever will. */
  readonly after: number
  /** The position of its last event. */
  readonly upTo: number
  /** How many events it added. */
  readonly count: number
  /** Its events in order of position, each equal to what a reading gives. Made when they are asked for. */
  events(): readonly StoredEnvelope[]
}

/** Must not throw: what it is told of is committed. */
export type CommitListener = (committed: Committed) => void
