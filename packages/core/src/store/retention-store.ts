import type { StoredEnvelope } from '../contract/envelope.ts'
import type { JsonObject } from '../contract/json.ts'

/** Which events may be deleted. */
export interface RetentionChoice {
  /** Only what the store took before this time: ISO 8601. */
  readonly before: string
  /**
   * Only the events of these streams, facts too, and a stream only where all of it may go. Without it
   * all events of class `work`, and nothing else.
   */
  readonly streams?: readonly string[] | undefined
  /** Records of subscriptions that are history: where they stand holds nothing back. */
  readonly ignore?: readonly string[] | undefined
  /**
   * Whether what has a topic may go although no relay ever ran. By default it waits for one: it has
   * still to be sent.
   */
  readonly unsent?: boolean | undefined
}

/** An event that was seen, and is to be deleted. */
export type EventRef = Pick<StoredEnvelope, 'position' | 'eventId'>

/** Versions of a stream, both inclusive. */
export interface VersionRange {
  readonly first: number
  readonly last: number
}

/** What was ever deleted. */
export interface Deleted {
  readonly events: number
  readonly commands: number
}

/** What is to be erased: the payloads of these streams, and of these events. */
export interface ErasureRequest {
  /** UUID. The same id again changes nothing and has the first answer. */
  readonly erasureId: string
  readonly streams?: readonly string[] | undefined
  readonly eventIds?: readonly string[] | undefined
  /** Who asked for it, and why: kept with what was done. */
  readonly requestedBy: string
  readonly reason: string
}

/** How much was emptied, by where it was. */
export interface ErasedCounts {
  /** Events whose payload is gone: those that were named, and tasks that they led to. */
  readonly events: number
  readonly snapshots: number
  readonly parked: number
  readonly commands: number
  readonly timers: number
}

/** That something was erased, by whom, why and when: it says nothing of what there was. */
export interface ErasureRecord {
  readonly erasureId: string
  readonly request: JsonObject
  readonly requestedBy: string
  readonly reason: string
  /** UTC, ISO 8601, milliseconds. */
  readonly erasedAt: string
  readonly counts: ErasedCounts
}

/**
 * Deletes and erases, and nothing that it is not asked to.
 *
 * An event **may go** when its choice means it and
 * - every subscription has passed it (a paused or stopped one too, the relay too);
 * - it is parked nowhere, or its parked event is finished;
 * - no reset that was asked for and is not done yet leads back before it;
 * - it is not the last event of the log, nor the last of its stream, unless all of the stream goes.
 *
 * What stays keeps its position and version. A stream goes on at the version behind its last event,
 * also where none of its events is left; readers begin at the first event that is kept. Ids of deleted
 * events are forgotten: a repeat of their append is a new one.
 */
export interface RetentionStore {
  /** Events that may go now, in order of position. */
  due(
    choice: RetentionChoice,
    page: { readonly after?: number | undefined; readonly limit: number },
  ): Promise<readonly StoredEnvelope[]>
  /**
   * Deletes events, in one transaction, if they may go then. Others are left alone, and so is what has
   * another id at its position.
   *
   * @param events in order of position; keep them few, a delete of many holds up who appends
   * @returns how many are gone
   */
  remove(choice: RetentionChoice, events: readonly EventRef[]): Promise<number>
  /** The versions of a stream that were deleted, in order. */
  removed(stream: string): Promise<readonly VersionRange[]>
  deleted(): Promise<Deleted>
  /**
   * Empties payloads, in one transaction, wherever the store holds them: in the log, in snapshots, in
   * parked events with what their attempts said, in results of commands, in timers (those that wait are
   * cancelled). Events stay with everything but their payload; handlers no longer see them.
   *
   * @throws {UsageError} nothing is named
   */
  erase(request: ErasureRequest): Promise<ErasureRecord>
  /** What {@link erase} would do now. It does none of it. */
  planErasure(request: Pick<ErasureRequest, 'streams' | 'eventIds'>): Promise<ErasedCounts>
  /** All erasures, in order of time. */
  erasures(): Promise<readonly ErasureRecord[]>
}
