import type { Envelope } from '../contract/envelope.ts'
import type { Registry } from '../contract/registry.ts'

/** What stands in the place of a sensitive value. */
export const SENSITIVE = '[sensitive]'

/** The sensitive fields of a type, as JSON pointers; `*` stands for any step. */
export type SensitiveOf = (type: string) => readonly string[]

/** The sensitive fields as the contracts of an application declare them. */
export function sensitiveIn(registry: Registry): SensitiveOf {
  return (type) => registry.event(type)?.sensitive ?? []
}

/** An event whose sensitive values are replaced. The event itself is not touched. */
export function redactEvent<E extends Envelope>(event: E, sensitive: readonly string[]): E {
  if (sensitive.length === 0) return event
  return { ...event, payload: redactValue(event.payload, sensitive.map(toSteps)) }
}

function toSteps(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function redactValue(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (paths.length === 0 || value === undefined) return value
  if (paths.some((path) => path.length === 0)) return SENSITIVE
  if (typeof value !== 'object' || value === null) return value
  const redactMember = (key: string, member: unknown): unknown =>
    redactValue(member, stepInto(paths, key))
  if (Array.isArray(value)) return value.map((member, index) => redactMember(String(index), member))
  const members = Object.entries(value).map(([key, member]) => [key, redactMember(key, member)])
  return Object.fromEntries(members) as unknown
}

function stepInto(
  paths: readonly (readonly string[])[],
  key: string,
): readonly (readonly string[])[] {
  return paths.filter(([step]) => step === key || step === '*').map((path) => path.slice(1))
}

/** Collects the texts and numbers that a text about an event must not show. */
function sensitiveTexts(
  value: unknown,
  paths: readonly (readonly string[])[],
  hidden: boolean,
): readonly string[] {
  const isHidden = hidden || paths.some((path) => path.length === 0)
  if (typeof value === 'string' || typeof value === 'number')
    return isHidden && value !== '' ? [String(value)] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => [
    ...(isHidden && !NAME_OF_A_FIELD.test(key) ? [key] : []),
    ...sensitiveTexts(member, stepInto(paths, key), isHidden),
  ])
}

/** A place in a list, or a name as contracts have them; other keys (an address, a number of some length) are data. */
const NAME_OF_A_FIELD = /^(?:\d{1,4}|[$_\p{L}][$\w\p{L}]*)$/u

/** Shorter ones would tear other words apart, and are replaced where they stand alone. */
const REPLACED_ANYWHERE = 4

/**
 * A text (an error's message, its stack) without the sensitive values of the event or command that it is about. A
 * value that was changed before it was quoted (cut, in upper case, encoded otherwise than as JSON) is not found.
 */
export function redactText(
  text: string,
  event: Pick<Envelope, 'payload'>,
  sensitive: readonly string[],
): string {
  if (sensitive.length === 0) return text
  const plain = sensitiveTexts(event.payload, sensitive.map(toSteps), false)
  // Also as JSON quotes them: messages often hold a payload as JSON.
  const values = [...new Set(plain.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]))]
  return replaceRanges(
    text,
    values.flatMap((value) => [...rangesOf(text, value)]),
  )
}

interface Range {
  readonly start: number
  readonly end: number
}

/** Where a value stands in a text. */
function* rangesOf(text: string, value: string): Iterable<Range> {
  const escaped = value.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
  // Looked for from each place on: it may overlap with itself.
  const found =
    value.length >= REPLACED_ANYWHERE
      ? new RegExp(`(?=${escaped})`, 'gu')
      : new RegExp(String.raw`(?<![\p{L}\p{N}])(?=${escaped}(?![\p{L}\p{N}]))`, 'gu')
  for (const { index } of text.matchAll(found)) yield { start: index, end: index + value.length }
}

/** Values may overlap, or one be a part of another: replaced one after the other, a rest of one would stay. */
function replaceRanges(text: string, ranges: readonly Range[]): string {
  let shown = ''
  let end = 0
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    if (range.end <= end) continue
    if (range.start >= end) shown += `${text.slice(end, range.start)}${SENSITIVE}`
    end = range.end
  }
  return shown + text.slice(end)
}
