import type { OperationRecord, ParkedEvent } from 'tidings'

/** A record as JSON of the command line says it: `requestedBy` → `requested_by`, nothing → null. */
export function toJson(value: unknown): unknown {
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [toSnake(name), toJson(member)]),
  )
}

/** The same of an object. */
export function toJsonObject(value: object): Record<string, unknown> {
  return toJson(value) as Record<string, unknown>
}

function toSnake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function operationJson(operation: OperationRecord): Record<string, unknown> {
  return toJsonObject(operation)
}

/** A parked event in short: without its bytes, with its last error alone. */
export function letterJson(letter: ParkedEvent): Record<string, unknown> {
  const { bytes: _, attempts, history: __, edited, dueAt, ...rest } = letter
  return {
    ...toJsonObject(rest),
    due_at: dueAt === undefined ? null : new Date(dueAt).toISOString(),
    is_edited: edited !== undefined,
    error: toJson(attempts.at(-1)?.error),
  }
}
