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
    ...(isHidden && key !== '' && !NAME_OF_A_FIELD.test(key) ? [key] : []),
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
  return withoutValues(text, valuesOf(event, sensitive))
}

/** The same for a text about several events: at once, since the values of two may overlap. */
export function redactTextOfAll(
  text: string,
  events: readonly Envelope[],
  sensitiveOf: SensitiveOf,
): string {
  const values = events.flatMap((event) => valuesOf(event, sensitiveOf(event.eventType)))
  return withoutValues(text, values)
}

function valuesOf(
  { payload }: Pick<Envelope, 'payload'>,
  sensitive: readonly string[],
): readonly string[] {
  if (sensitive.length === 0) return []
  const plain = sensitiveTexts(payload, sensitive.map(toSteps), false)
  // Also as JSON quotes them: messages often hold a payload as JSON.
  return plain.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)])
}

interface Range {
  readonly start: number
  readonly end: number
}

/** Values may overlap, or one be a part of another: replaced one after the other, a rest of one would stay. */
function withoutValues(text: string, values: readonly string[]): string {
  const ranges: Range[] = []
  for (const value of new Set(values)) findValue(text, value, ranges)
  let shown = ''
  let end = 0
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    if (range.end <= end) continue
    if (range.start >= end) shown += `${text.slice(end, range.start)}${SENSITIVE}`
    end = range.end
  }
  return shown + text.slice(end)
}

/** Adds where a value stands in a text. No pattern: of a long value it would be too large, and say it in its error. */
function findValue(text: string, value: string, ranges: Range[]): void {
  // Nearly always it is not there, and this is quick to say so.
  if (value === '' || !text.includes(value)) return
  const back = overlapsOf(value)
  let matched = 0
  for (let at = 0; at < text.length; at++) {
    while (matched > 0 && text[at] !== value[matched]) matched = back[matched - 1]!
    if (text[at] === value[matched]) matched++
    if (matched < value.length) continue
    const range = { start: at + 1 - value.length, end: at + 1 }
    if (value.length >= REPLACED_ANYWHERE || standsAlone(text, range)) ranges.push(range)
    matched = back[matched - 1]!
  }
}

/**
 * For each beginning of a value: how long its longest end is that the value begins with, too. With it a value that
 * overlaps with itself is searched in the time that reading it takes (Knuth, Morris and Pratt, 1977).
 */
function overlapsOf(value: string): Int32Array {
  const overlaps = new Int32Array(value.length)
  let length = 0
  for (let at = 1; at < value.length; at++) {
    while (length > 0 && value[at] !== value[length]) length = overlaps[length - 1]!
    if (value[at] === value[length]) length++
    overlaps[at] = length
  }
  return overlaps
}

/** Between two characters that belong to no word. */
function standsAlone(text: string, { start, end }: Range): boolean {
  const before = text.slice(Math.max(0, start - 2), start)
  return !/[\p{L}\p{N}]$/u.test(before) && !/^[\p{L}\p{N}]/u.test(text.slice(end, end + 2))
}
