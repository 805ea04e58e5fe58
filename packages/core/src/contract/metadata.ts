import { deepFreeze } from './json.ts'
import { NO_METADATA, type EventMetadata } from './envelope.ts'

// What an effect takes over from its cause. Its own facts (an extension, a source) it does not.
const INHERITED = ['tenant', 'actor', 'traceId', 'traceparent'] as const

/**
 * The metadata of an effect: the application's source, what it takes over from its cause, its own.
 * Undefined where there is nothing of either.
 */
export function inheritMetadata(
  inherited: Readonly<Record<string, unknown>> | undefined,
  source: string | undefined,
  own: EventMetadata | undefined,
): EventMetadata | undefined {
  const isEmpty = inherited === undefined || inherited === NO_METADATA
  if (isEmpty && source === undefined && own === undefined) return undefined
  const metadata: Record<string, EventMetadata[string]> = {}
  if (source !== undefined) metadata['source'] = source
  for (const field of INHERITED) {
    const value = inherited?.[field]
    if (typeof value === 'string') metadata[field] = value
  }
  return deepFreeze(Object.assign(metadata, own && withOwnValues(own)))
}

/** Lists and objects are copied: what is frozen with the event stays the caller's to change. */
function withOwnValues(own: EventMetadata): EventMetadata {
  const copied = Object.entries(own).filter(
    ([, value]) => typeof value === 'object' && value !== null,
  )
  if (copied.length === 0) return own
  return { ...own, ...Object.fromEntries(copied.map(([name, value]) => [name, copyOf(value)])) }
}

/** What cannot be copied is no JSON, and is refused where an event is stored. */
function copyOf<Value>(value: Value): Value {
  try {
    return structuredClone(value)
  } catch {
    return value
  }
}
