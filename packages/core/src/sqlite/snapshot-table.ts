import type { Snapshot } from '../store/snapshot.ts'
import type { Connection } from './connection.ts'

export function loadSnapshot(connection: Connection, stream: string): Snapshot | undefined {
  const row = connection
    .rows('select stream_version, snapshot_version, state from snapshots where stream = ?')
    .get(stream)
  if (row === undefined) return undefined
  return {
    stream,
    streamVersion: row[0] as number,
    snapshotVersion: row[1] as number,
    state: row[2] as string,
  }
}

/** Keeps the one of the later event; of two for the same event the later one, which newer code made. */
export function saveSnapshot(connection: Connection, snapshot: Snapshot): void {
  connection
    .statement(
      `insert into snapshots (stream, stream_version, snapshot_version, state) values (?, ?, ?, ?)
       on conflict do update set stream_version = excluded.stream_version, snapshot_version = excluded.snapshot_version, state = excluded.state
       where excluded.stream_version >= stream_version`,
    )
    .run(snapshot.stream, snapshot.streamVersion, snapshot.snapshotVersion, snapshot.state)
}
