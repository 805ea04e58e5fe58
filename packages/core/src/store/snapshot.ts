/** The state of an aggregate at one version of its stream. A cache: it may be dropped at any time. */
export interface Snapshot {
  readonly stream: string
  /** The version of the stream whose event was the last one folded in. */
  readonly streamVersion: number
  /** The aggregate's `snapshot.version`: another one makes it outdated. */
  readonly snapshotVersion: number
  /** The state as JSON. */
  readonly state: string
}
