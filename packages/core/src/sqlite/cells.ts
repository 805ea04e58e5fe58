import type { JsonObject } from '../contract/json.ts'
import { toIsoTime } from '../internal/time.ts'
import type { Cell } from './connection.ts'

/** A time as a column keeps it. */
export function toMs(iso: string): number
export function toMs(iso: string | undefined): number | null
export function toMs(iso: string | undefined): number | null {
  return iso === undefined ? null : Date.parse(iso)
}

/** What a column holds where it can be null: undefined for null. */
export function optionalText(cell: Cell | undefined): string | undefined {
  return (cell as string | null | undefined) ?? undefined
}

export function optionalNumber(cell: Cell | undefined): number | undefined {
  return (cell as number | null | undefined) ?? undefined
}

export function optionalTime(cell: Cell | undefined): string | undefined {
  return typeof cell === 'number' ? toIsoTime(cell) : undefined
}

export function optionalJson(cell: Cell | undefined): JsonObject | undefined {
  return typeof cell === 'string' ? (JSON.parse(cell) as JsonObject) : undefined
}
