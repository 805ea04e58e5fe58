import { toIsoTime } from '../internal/time.ts'
import type { Cell } from './connection.ts'

/** A time as a column keeps it. */
export function toMs(iso: string): number
export function toMs(iso: string | undefined): number | null
export function toMs(iso: string | undefined): number | null {
  return iso === undefined ? null : Date.parse(iso)
}

/** What a column holds where it can be null: undefined for null. */
export function optional<Value extends Exclude<Cell, null>>(
  cell: Cell | undefined,
): Value | undefined {
  return (cell as Value | null | undefined) ?? undefined
}

export function optionalTime(cell: Cell | undefined): string | undefined {
  return typeof cell === 'number' ? toIsoTime(cell) : undefined
}

export function optionalJson<Value>(cell: Cell | undefined): Value | undefined {
  return typeof cell === 'string' ? (JSON.parse(cell) as Value) : undefined
}
