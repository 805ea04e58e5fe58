import { toIsoTime } from '../internal/time.ts'
import type { Lease, LeaseStore } from '../store/lease-store.ts'
import type { Cell, Connection } from './connection.ts'
import type { TableAccess } from './table-access.ts'

const COLUMNS = 'name, owner, token, expires_at'

export function leaseTable({ read, write, now }: TableAccess): LeaseStore {
  return {
    acquire: (name, owner, ttlMs) =>
      write((connection) => {
        const nowMs = now()
        // Null, once it was released, counts as long past.
        return returned(
          connection,
          `insert into leases (${COLUMNS}) values (?, ?, 1, ?)
           on conflict do update set owner = excluded.owner, token = token + 1, expires_at = excluded.expires_at
           where coalesce(leases.expires_at, 0) <= ? returning ${COLUMNS}`,
          [name, owner, nowMs + Math.floor(ttlMs), nowMs],
        )
      }),
    renew: ({ name, token }, ttlMs) =>
      write((connection) =>
        returned(
          connection,
          `update leases set expires_at = ? where name = ? and token = ? and expires_at is not null
           returning ${COLUMNS}`,
          [now() + Math.floor(ttlMs), name, token],
        ),
      ),
    release: ({ name, token }) =>
      write((connection) => {
        connection
          .statement('update leases set expires_at = null where name = ? and token = ?')
          .run(name, token)
      }),
    find: (name) =>
      read((connection) =>
        returned(
          connection,
          `select ${COLUMNS} from leases where name = ? and expires_at is not null`,
          [name],
        ),
      ),
    list: () =>
      read((connection) =>
        connection
          .rows(`select ${COLUMNS} from leases where expires_at is not null order by name`)
          .all()
          .map(toLease),
      ),
  }
}

function returned(connection: Connection, sql: string, values: readonly Cell[]): Lease | undefined {
  const row = connection.rows(sql).get(...values)
  return row && toLease(row)
}

function toLease(row: readonly Cell[]): Lease {
  return {
    name: row[0] as string,
    owner: row[1] as string,
    token: row[2] as number,
    expiresAt: toIsoTime(row[3] as number),
  }
}
