import { toIsoTime, type JsonObject } from 'tidings'
import { requireTime } from 'tidings/store'

import type { Cell } from './session.ts'

/** A time that was read as milliseconds. */
export function timeOf(cell: Cell | undefined): string {
  return toIsoTime(Math.round(cell as number))
}

/** What a column holds where it can be null: undefined for null. */
export function optionalText(cell: Cell | undefined): string | undefined {
  return (cell as string | null | undefined) ?? undefined
}

export function optionalNumber(cell: Cell | undefined): number | undefined {
  return (cell as number | null | undefined) ?? undefined
}

export function optionalTime(cell: Cell | undefined): string | undefined {
  return typeof cell === 'number' ? timeOf(cell) : undefined
}

export function optionalJson(cell: Cell | undefined): JsonObject | undefined {
  return typeof cell === 'string' ? (JSON.parse(cell) as JsonObject) : undefined
}

/**
 * A time that a user gave, in the database's own words: it knows no offset beyond 16 hours.
 *
 * @throws {UsageError} a time that is none
 */
export function inUtc(name: string, text: string): string {
  return toIsoTime(requireTime(name, text))
}

/** PostgreSQL keeps no U+0000 in a text, and what somebody else's code threw may hold one. */
export function toText(text: string): string
export function toText(text: string | undefined): string | null
export function toText(text: string | undefined): string | null {
  return text === undefined ? null : text.replaceAll('\0', '\uFFFD')
}

/**
 * A value as JSON in which no function of the database finds what it cannot decode (U+0000 and half a
 * surrogate pair: `json` keeps them, and an erasure that looks into it fails). For what others threw or said.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'string' ? toText(member.toWellFormed()) : member,
  )
}

/** `$1, $2, …` */
export function placeholders(count: number): string {
  return Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ')
}
