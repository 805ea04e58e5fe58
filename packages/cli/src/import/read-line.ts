import {
  checkPayload,
  ContractError,
  decodeEvent,
  findJsonFault,
  sealEnvelope,
  type AnyEventDefinition,
  type Envelope,
  type Registry,
  type SealedEvent,
} from 'tidings/contract'
import { reasonOf, type Reason } from './rejects.ts'
import type { Line } from './split-lines.ts'
import type { Translate } from '../texts/texts.ts'

export interface LineRules {
  /** Without one only the envelope is checked, and names are kept as they come. */
  readonly registry: Registry | undefined
  readonly unknown: 'reject' | 'keep'
  readonly maxEventBytes: number | undefined
  readonly maxLineBytes: number
  /** For events that say no time. */
  readonly defaultTime: string | undefined
  readonly t: Translate
}

export type ReadLine =
  | { readonly kind: 'event'; readonly event: SealedEvent }
  | { readonly kind: 'reject'; readonly reason: Reason }

type Decoded = ReturnType<typeof decodeEvent>

/** What a line says: an event that can be stored, or why it cannot. */
export function readLine(line: Line, rules: LineRules): ReadLine {
  if (line.tooLong !== undefined) return { kind: 'reject', reason: tooLong(line.tooLong, rules) }
  let decoded: Decoded
  try {
    decoded = decodeEvent(line.bytes, { defaultTime: rules.defaultTime })
  } catch (error) {
    return refuse(error, '')
  }
  try {
    return checkEvent(decoded.envelope, rules)
  } catch (error) {
    return refuse(error, partOfLine(error, decoded))
  }
}

function refuse(error: unknown, part: string): ReadLine {
  if (!(error instanceof ContractError)) throw error
  const { pointer, ...rest } = reasonOf(error)
  return { kind: 'reject', reason: { ...rest, pointer: part + pointer } }
}

/** Where in the line a check's pointer begins: contracts point into the payload, not into its event. */
function partOfLine(error: unknown, { envelope, format }: Decoded): string {
  const code = error instanceof ContractError ? error.code : undefined
  const payload = format === 'cloudevents' ? '/data' : '/payload'
  if (code === 'TIDINGS_PAYLOAD_INVALID' || code === 'TIDINGS_UPCAST_FAILED') return payload
  if (code !== 'TIDINGS_PAYLOAD_NOT_JSON') return ''
  if (findJsonFault(envelope.payload) !== undefined) return payload
  // Metadata of a CloudEvent are its own attributes.
  return format === 'cloudevents' ? '' : '/metadata'
}

function checkEvent(envelope: Envelope, rules: LineRules): ReadLine {
  const { registry, maxEventBytes } = rules
  if (registry === undefined) return seal(envelope, undefined, maxEventBytes)
  const definition = checkPayload(registry, envelope)
  if (definition === undefined && rules.unknown === 'reject') {
    return { kind: 'reject', reason: unknownType(envelope.eventType, registry, rules.t) }
  }
  // An alias is read, never written.
  const named =
    definition === undefined || definition.type === envelope.eventType
      ? envelope
      : { ...envelope, eventType: definition.type }
  return seal(named, definition, maxEventBytes)
}

function seal(
  envelope: Envelope,
  definition: AnyEventDefinition | undefined,
  maxEventBytes: number | undefined,
): ReadLine {
  return { kind: 'event', event: sealEnvelope(envelope, definition, { maxEventBytes }) }
}

function unknownType(type: string, registry: Registry, t: Translate): Reason {
  const [nearest] = registry.nearest(type)
  const reason =
    nearest === undefined
      ? t('import.unknown-type', { type })
      : t('import.unknown-type-near', { type, nearest })
  return { code: 'TIDINGS_NAME_UNKNOWN', reason, pointer: '/event_type' }
}

function tooLong(bytes: number, { maxLineBytes, t }: LineRules): Reason {
  return {
    code: 'TIDINGS_EVENT_TOO_LARGE',
    reason: t('import.line-too-long', { bytes, limit: maxLineBytes }),
    pointer: '',
  }
}
