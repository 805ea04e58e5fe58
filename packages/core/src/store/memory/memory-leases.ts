import { toIsoTime } from '../../internal/time.ts'
import type { Lease, LeaseStore } from '../lease-store.ts'
import type { Access } from './access.ts'
import { compareText } from './compare-text.ts'

/** A row stays when its lease is released, because tokens rise for ever. */
export interface LeaseRow {
  readonly owner: string
  readonly token: number
  /** Undefined: it was released. */
  readonly expiresAtMs: number | undefined
}

export type LeaseTable = Map<string, LeaseRow>

export function memoryLeases(table: LeaseTable, access: Access): LeaseStore {
  const isHeld = ({ name, token }: Lease): boolean => {
    const row = table.get(name)
    return row?.token === token && row.expiresAtMs !== undefined
  }
  const put = (name: string, row: LeaseRow): Lease | undefined => {
    table.set(name, row)
    return toLease(name, row)
  }
  return {
    acquire: (name, owner, ttlMs) =>
      access.write(() => {
        const before = table.get(name)
        const nowMs = access.now()
        if (before?.expiresAtMs !== undefined && before.expiresAtMs > nowMs) return undefined
        const token = (before?.token ?? 0) + 1
        return put(name, { owner, token, expiresAtMs: nowMs + Math.floor(ttlMs) })
      }),
    renew: (lease, ttlMs) =>
      access.write(() => {
        if (!isHeld(lease)) return undefined
        const { owner, token } = table.get(lease.name) as LeaseRow
        return put(lease.name, { owner, token, expiresAtMs: access.now() + Math.floor(ttlMs) })
      }),
    release: (lease) =>
      access.write(() => {
        if (!isHeld(lease)) return
        put(lease.name, { ...(table.get(lease.name) as LeaseRow), expiresAtMs: undefined })
      }),
    async find(name) {
      access.read()
      return toLease(name, table.get(name))
    },
    async list() {
      access.read()
      const all = Array.from(table, ([name, row]) => toLease(name, row))
      return all.filter((lease) => lease !== undefined).sort((a, b) => compareText(a.name, b.name))
    },
  }
}

function toLease(name: string, row: LeaseRow | undefined): Lease | undefined {
  if (row?.expiresAtMs === undefined) return undefined
  const { owner, token, expiresAtMs } = row
  return Object.freeze({ name, owner, token, expiresAt: toIsoTime(expiresAtMs) })
}
