/** An event on its way to a topic. */
export interface OutgoingRecord {
  readonly topic: string
  /** Records of one key stay in order. */
  readonly key: string
  /** The event as text; it is not looked at. */
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** What became of one record. */
export type PublishResult = { readonly ok: true } | { readonly ok: false; readonly error: unknown }

/**
 * Sends records to topics. What every adapter keeps:
 *
 * - **Acknowledged**: a record whose result is `ok` is there to stay.
 * - **Ordered**: records of one topic and key arrive in the order of the call, and of the calls. Where
 *   one of them fails, no later one of its key in the same call is sent: its result is a failure too.
 * - **Each has a result**: a call rejects only when nothing can be said of any record.
 * - `publish` may be called again with what failed; then a record may arrive twice, never out of order.
 */
export interface Publisher {
  /** @returns a result per record, in the same order */
  publish(
    records: readonly OutgoingRecord[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly PublishResult[]>
  /** Waits for what is under way, then lets go of everything. Later calls throw `TIDINGS_CLOSED`. */
  close(): Promise<void>
}
