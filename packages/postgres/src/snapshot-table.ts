import type { SnapshotStore } from 'tidings'

import type { TableAccess } from './table-access.ts'

/** Keeps the one of the later event; of two for the same event the later one, which newer code made. */
export function snapshotTable({ schema, rows, write }: TableAccess): SnapshotStore {
  return {
    async load(stream) {
      const sql = `select stream_version, snapshot_version, state from ${schema}.snapshots where stream = $1`
      const [row] = await rows(sql, [stream])
      if (row === undefined) return undefined
      return {
        stream,
        streamVersion: row[0] as number,
        snapshotVersion: row[1] as number,
        state: row[2] as string,
      }
    },
    save: (snapshot) =>
      write(async (session) => {
        await session.run(
          `insert into ${schema}.snapshots as s (stream, stream_version, snapshot_version, state) values ($1, $2, $3, $4)
           on conflict (stream) do update set stream_version = excluded.stream_version,
             snapshot_version = excluded.snapshot_version, state = excluded.state
           where excluded.stream_version >= s.stream_version`,
          [snapshot.stream, snapshot.streamVersion, snapshot.snapshotVersion, snapshot.state],
        )
      }),
  }
}
