import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ContractError, shorten } from '../errors/contract-error.ts'
import type { AnyEventDefinition } from './definition.ts'
import { freezeEnvelope, type Envelope, type StoredEnvelope } from './envelope.ts'
import { parsePayload, schemaHash } from './payload.ts'

/** Reads one contract's events. Made once per contract. */
export interface EventReading {
  readonly definition: AnyEventDefinition
  /** The event as its current contract says it; the same object where nothing had to be done. */
  read(envelope: StoredEnvelope): StoredEnvelope
}

/**
 * Prepares the reading of a contract's events.
 *
 * An event of the current name and version that was written under the schema of today costs three
 * comparisons: a replay reads a million of them.
 */
export function prepareReading(definition: AnyEventDefinition): EventReading {
  const { type, version } = definition
  let hash: string | undefined
  let hashed = false
  return {
    definition,
    read(envelope) {
      if (!hashed) {
        // Not at start-up: JSON Schema of hundreds of contracts takes as many milliseconds.
        hash = schemaHash(definition.schema)
        hashed = true
      }
      const written = envelope.schemaHash
      // Of what was erased there is no payload to be read.
      if (envelope.erased === true) return renamed(envelope, type)
      if (envelope.eventVersion !== version || written !== hash || written === undefined) {
        return reread(definition, envelope, hash)
      }
      return renamed(envelope, type)
    },
  }
}

function renamed(envelope: StoredEnvelope, type: string): StoredEnvelope {
  return envelope.eventType === type ? envelope : freezeEnvelope({ ...envelope, eventType: type })
}

function reread(
  definition: AnyEventDefinition,
  envelope: StoredEnvelope,
  hash: string | undefined,
): StoredEnvelope {
  const { schemaHash: _, ...rest } = envelope
  return freezeEnvelope({
    ...rest,
    eventType: definition.type,
    eventVersion: definition.version,
    payload: currentPayload(definition, envelope),
    // It has been checked under today's schema now; reading it once more costs nothing.
    ...(hash === undefined ? undefined : { schemaHash: hash }),
  })
}

/** What the payload of an event, of whatever version, is under its current contract. */
type Versioned = Pick<Envelope, 'eventVersion' | 'payload'> & Pick<StoredEnvelope, 'schemaHash'>

/**
 * A payload brought to the current version step by step, each result checked where the contract keeps
 * that version's schema, and parsed by the current schema.
 *
 * @throws {ContractError} `TIDINGS_VERSION_UNKNOWN` for a version newer than the contract;
 *   `TIDINGS_PAYLOAD_INVALID` when it does not fit the version it says; `TIDINGS_UPCAST_FAILED` when
 *   an upcaster throws, or its result does not fit the next version.
 */
export function currentPayload(definition: AnyEventDefinition, event: Versioned): unknown {
  const { version } = definition
  if (event.eventVersion === version) return parsePayload(definition, event.payload)
  if (event.eventVersion > version) throw unknownVersion(definition, event.eventVersion)
  let payload = parseWritten(definition, event)
  for (let step = event.eventVersion; step < version; step++) {
    payload = checkStep(definition, step, applyStep(definition, step, payload))
  }
  return payload
}

function parseWritten(definition: AnyEventDefinition, event: Versioned): unknown {
  const schema = definition.history[event.eventVersion]
  if (schema === undefined) return event.payload
  const written = (event as { readonly schemaHash?: string }).schemaHash
  if (written !== undefined && written === schemaHash(schema)) return event.payload
  return parsePayload(withSchema(definition, schema, event.eventVersion), event.payload)
}

function applyStep(definition: AnyEventDefinition, step: number, old: unknown): unknown {
  const upcast = definition.upcast[step]
  if (upcast === undefined) throw upcastFailed(definition, step, 'an upcaster', 'none')
  try {
    return upcast(old as never)
  } catch (error) {
    throw upcastFailed(
      definition,
      step,
      'a result',
      `a throw of ${describeThrown(definition, error)}`,
      error,
    )
  }
}

function checkStep(definition: AnyEventDefinition, step: number, made: unknown): unknown {
  const next = step + 1
  const schema = next === definition.version ? definition.schema : definition.history[next]
  if (schema === undefined) return made
  try {
    return parsePayload(withSchema(definition, schema, next), made)
  } catch (error) {
    if (!(error instanceof ContractError) || error.code !== 'TIDINGS_PAYLOAD_INVALID') throw error
    throw new ContractError(
      'TIDINGS_UPCAST_FAILED',
      `the upcaster of version ${step} made no version ${next}.`,
      {
        type: definition.type,
        issues: error.issues,
        nextStep: `Mend 'upcast' ${step} of the contract: the event itself is unchanged.`,
      },
    )
  }
}

function withSchema(
  definition: AnyEventDefinition,
  schema: StandardSchemaV1,
  version: number,
): Pick<AnyEventDefinition, 'type' | 'schema' | 'sensitive'> {
  if (version === definition.version) return definition
  return {
    type: `${definition.type} (version ${version})`,
    schema,
    sensitive: definition.sensitive,
  }
}

function describeThrown(definition: AnyEventDefinition, error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no Error'
  // Its message may quote the payload, so a contract with sensitive fields shows the kind alone.
  return definition.sensitive.length > 0 ? error.name : `${error.name}: ${shorten(error.message)}`
}

function upcastFailed(
  definition: AnyEventDefinition,
  step: number,
  ...[expected, actual, cause]: readonly [string, string, unknown?]
): ContractError {
  return new ContractError(
    'TIDINGS_UPCAST_FAILED',
    `version ${step} could not be brought to version ${step + 1}.`,
    {
      type: definition.type,
      issues: [{ pointer: '', expected, actual }],
      nextStep: `Mend 'upcast' ${step} of the contract: the event itself is unchanged.`,
      ...(cause === undefined || definition.sensitive.length > 0 ? undefined : { cause }),
    },
  )
}

function unknownVersion(definition: AnyEventDefinition, version: number): ContractError {
  return new ContractError(
    'TIDINGS_VERSION_UNKNOWN',
    `the event is of a newer version than this process knows.`,
    {
      type: definition.type,
      issues: [
        {
          pointer: '/event_version',
          expected: `at most ${definition.version}`,
          actual: String(version),
        },
      ],
      nextStep: 'Deploy the version of the contract that made it, then read it again.',
    },
  )
}
