import { ContractError, shorten, type ContractIssue } from '../errors/contract-error.ts'
import { isLowerUuid, isUuid, nameId } from '../internal/ids.ts'
import { isNormalTime, parseIsoTime, toIsoTime } from '../internal/time.ts'
import {
  freezeEnvelope,
  streamName,
  type Envelope,
  type EventMetadata,
  type ForeignFacts,
} from './envelope.ts'
import type { JsonValue } from './json.ts'

/** What the sender's own log said of an event; the log that takes it in has its own answers. */
export interface StoredFacts {
  readonly streamVersion?: number
  readonly position?: number
  readonly recordedAt?: string
}

export interface DecodeOptions {
  /**
   * The time of an event that says none (CloudEvents may leave it out); without it such an event is
   * refused. ISO 8601.
   */
  readonly defaultTime?: string | undefined
}

/** How an event is said outside the process. */
export type EventFormat = 'tidings' | 'cloudevents'

/** An event from outside, its envelope checked and its payload not yet. */
export interface DecodedEvent {
  /** What it came as. */
  readonly format: EventFormat
  readonly envelope: Envelope
  /** Empty where the sender said nothing of a log. */
  readonly stored: StoredFacts
}

/** A JSON object before its check. */
export type WireObject = { readonly [member: string]: JsonValue | undefined }

/** Everything that is wrong with an envelope, gathered on the way through it. */
export type Faults = ContractIssue[]

export function addFault(faults: Faults, pointer: string, expected: string, actual: unknown): void {
  faults.push({ pointer, expected, actual: shorten(actual) })
}

/** @throws {ContractError} `TIDINGS_ENVELOPE_INVALID` when there is a fault */
export function refuseFaults(faults: Faults, type: unknown): void {
  if (faults.length === 0) return
  throw new ContractError('TIDINGS_ENVELOPE_INVALID', 'the envelope is not complete.', {
    type: typeof type === 'string' && type !== '' ? type : undefined,
    issues: faults,
    nextStep: 'Nothing was stored. Mend the sender, or the line.',
  })
}

/** What a value is, without a word of what it holds: nobody knows yet which part of it is secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return value === null ? 'null' : 'nothing'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object with other members' : `a ${typeof value}`
}

export function isObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const TEXT = 'text that is not empty, without U+0000 and lone surrogates'

/** A text that every store can keep; '' after a fault. */
export function readText(value: unknown, pointer: string, faults: Faults): string {
  if (typeof value === 'string' && value !== '' && value.isWellFormed() && !value.includes('\0'))
    return value
  addFault(faults, pointer, TEXT, value)
  return ''
}

// Types and aggregate types are few and come in their millions: one look-up for each known one. The
// bound keeps a sender of made-up names from filling the memory.
const knownNames = new Set<unknown>()
const KNOWN_NAMES_LIMIT = 10_000

/** A text that comes again and again: checked once. */
export function readName(value: unknown, pointer: string, faults: Faults): string {
  if (knownNames.has(value)) return value as string
  const name = readText(value, pointer, faults)
  if (name !== '' && knownNames.size < KNOWN_NAMES_LIMIT) knownNames.add(name)
  return name
}

/** A dotted name without a slash: the first slash of a stream's name divides it. */
export function readAggregateType(value: unknown, pointer: string, faults: Faults): string {
  const name = readName(value, pointer, faults)
  if (name.includes('/')) addFault(faults, pointer, 'a dotted name without a slash', value)
  return name
}

/** Versions are whole numbers; `"1"` and `"1.0"` are read too. */
export function readVersion(value: unknown, pointer: string, faults: Faults): number {
  const version =
    typeof value === 'string' && /^\d{1,9}(?:\.0+)?$/.test(value) ? Number(value) : value
  if (Number.isSafeInteger(version) && (version as number) >= 1) return version as number
  addFault(faults, pointer, 'a whole number from 1 up', value)
  return 0
}

export function readUuid(value: unknown, pointer: string, faults: Faults): string {
  if (typeof value === 'string') {
    if (isLowerUuid(value)) return value
    if (isUuid(value)) return value.toLowerCase()
  }
  addFault(faults, pointer, 'a UUID', value)
  return ''
}

/** Facts of the sender that our own fields cannot say, while they are gathered. */
export type ForeignDraft = { -readonly [Fact in keyof ForeignFacts]: ForeignFacts[Fact] }

/** What an envelope's fields are read into: faults, and what must be kept of the original. */
export interface Reading {
  readonly faults: Faults
  foreign: ForeignDraft | undefined
}

/** Notes an original that the envelope's own field cannot say. */
export function keepForeign<Fact extends keyof ForeignDraft>(
  reading: Reading,
  fact: Fact,
  value: ForeignDraft[Fact],
): void {
  reading.foreign = { ...reading.foreign, [fact]: value }
}

/** An id that may be any text elsewhere: a UUID as it is, else its UUIDv5, with the original kept. */
export function readForeignId(
  value: unknown,
  pointer: string,
  fact: 'correlationId' | 'causationId',
  reading: Reading,
): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') {
    if (isLowerUuid(value)) return value
    if (isUuid(value)) return value.toLowerCase()
  }
  const text = readText(value, pointer, reading.faults)
  if (text !== '') keepForeign(reading, fact, text)
  return nameId(text)
}

/** The correlation of an event that says none: its stream, so that all of its events share it. */
export function streamCorrelation(aggregateType: string, aggregateId: string): string {
  return nameId(`stream ${streamName(aggregateType, aggregateId)}`)
}

/**
 * A time as the log keeps it: UTC and milliseconds. An original that said more (a finer fraction, an
 * offset that is not UTC) is kept beside it.
 */
export function readTime(value: unknown, pointer: string, reading: Reading): string {
  if (typeof value === 'string' && isNormalTime(value)) return value
  const timeMs = typeof value === 'string' ? parseIsoTime(value) : undefined
  if (timeMs === undefined) {
    addFault(
      reading.faults,
      pointer,
      'an ISO 8601 time with offset, for example 2026-11-21T09:30:00.000Z',
      value,
    )
    return ''
  }
  const text = value as string
  const normal = toIsoTime(timeMs)
  if (!/^[^.]+(?:\.\d{1,3}0*)?(?:Z|[+-]00:00)$/i.test(text)) keepForeign(reading, 'timestamp', text)
  return normal
}

/** Metadata with what had to be kept of the original; what the sender kept before stays. */
export function joinForeign(metadata: EventMetadata, reading: Reading): EventMetadata {
  if (reading.foreign === undefined) return metadata
  const members = { ...reading.foreign.members, ...metadata.foreign?.members }
  const foreign = { ...reading.foreign, ...metadata.foreign }
  return {
    ...metadata,
    foreign: Object.keys(members).length === 0 ? foreign : { ...foreign, members },
  }
}

/**
 * Copies a member of metadata; the ones with a meaning of their own must be text, and null is absent.
 *
 * @returns what was expected where the value is of the wrong kind
 */
export function copyMember(
  target: Record<string, JsonValue | undefined>,
  name: string,
  value: JsonValue | undefined,
): string | undefined {
  // By its name: stored under a variable name, a member costs a search of its own each time.
  switch (name) {
    case 'source':
      if (typeof value === 'string') target['source'] = value
      return textFault(value)
    case 'traceId':
      if (typeof value === 'string') target['traceId'] = value
      return textFault(value)
    case 'traceparent':
      if (typeof value === 'string') target['traceparent'] = value
      return textFault(value)
    case 'tenant':
      if (typeof value === 'string') target['tenant'] = value
      return textFault(value)
    case 'actor':
      if (typeof value === 'string') target['actor'] = value
      return textFault(value)
    case 'foreign':
      if (!isForeign(value)) return 'an object of texts, and members'
      break
    case '__proto__':
      // Assigned, it would change the prototype, and the member would be lost.
      Object.defineProperty(target, name, { value, enumerable: true })
      return undefined
  }
  target[name] = value
  return undefined
}

function textFault(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' || value === null ? undefined : 'text'
}

function isForeign(value: JsonValue | undefined): boolean {
  if (!isObject(value)) return false
  return Object.entries(value).every(([fact, one]) =>
    fact === 'members' ? isObject(one) : typeof one === 'string',
  )
}

/** The last step of every decoder: refuses faults, and freezes. */
export function finishEnvelope(decoded: DecodedEvent, faults: Faults): DecodedEvent {
  refuseFaults(faults, decoded.envelope.eventType)
  freezeEnvelope(decoded.envelope)
  return decoded
}
