import type { Lease, LeaseStore } from 'tidings'

import { timeOf } from './cells.ts'
import { msOf } from './event-row.ts'
import type { Row } from './session.ts'
import { nowSql, type TableAccess } from './table-access.ts'

const COLUMNS = `l.name, l.owner, l.token, ${msOf('l.expires_at')}`

export function leaseTable({ schema, rows, write, now }: TableAccess): LeaseStore {
  const table = `${schema}.leases`
  const later = (ttl: string, at: string): string =>
    `${nowSql(at)} + ${ttl}::float8 * interval '1 millisecond'`
  return {
    // Null, once it was released, counts as long past.
    acquire: (name, owner, ttlMs) =>
      write(async (session) =>
        first(
          await session.rows(
            `insert into ${table} as l (name, owner, token, expires_at) values ($1, $2, 1, ${later('$3', '$4')})
             on conflict (name) do update set owner = excluded.owner, token = l.token + 1, expires_at = excluded.expires_at
             where coalesce(l.expires_at, '-infinity') <= ${nowSql('$4')} returning ${COLUMNS}`,
            [name, owner, Math.floor(ttlMs), now()],
          ),
        ),
      ),
    renew: ({ name, token }, ttlMs) =>
      write(async (session) =>
        first(
          await session.rows(
            `update ${table} l set expires_at = ${later('$3', '$4')}
             where l.name = $1 and l.token = $2 and l.expires_at is not null returning ${COLUMNS}`,
            [name, token, Math.floor(ttlMs), now()],
          ),
        ),
      ),
    release: ({ name, token }) =>
      write(async (session) => {
        const sql = `update ${table} set expires_at = null where name = $1 and token = $2`
        await session.run(sql, [name, token])
      }),
    find: async (name) => {
      const sql = `select ${COLUMNS} from ${table} l where l.name = $1 and l.expires_at is not null`
      return first(await rows(sql, [name]))
    },
    list: async () => {
      const sql = `select ${COLUMNS} from ${table} l where l.expires_at is not null order by l.name`
      return (await rows(sql)).map(toLease)
    },
  }
}

function first([row]: readonly Row[]): Lease | undefined {
  return row && toLease(row)
}

function toLease(row: Row): Lease {
  return {
    name: row[0] as string,
    owner: row[1] as string,
    token: row[2] as number,
    expiresAt: timeOf(row[3]),
  }
}
