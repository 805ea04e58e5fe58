import type { AnyEventDefinition } from './definition.ts'
import type { Envelope } from './envelope.ts'
import { currentPayload } from './read-event.ts'
import type { Registry } from './registry.ts'

/**
 * Checks an event from outside against its contract, at whatever version it is, so that it can be
 * read once it is stored. The envelope itself stays as it came.
 *
 * @returns the contract; undefined where nobody here declared the type
 * @throws {ContractError} `TIDINGS_PAYLOAD_INVALID`, `TIDINGS_VERSION_UNKNOWN`, `TIDINGS_UPCAST_FAILED`
 */
export function checkPayload(
  registry: Pick<Registry, 'event'>,
  envelope: Envelope,
): AnyEventDefinition | undefined {
  const definition = registry.event(envelope.eventType)
  if (definition !== undefined) currentPayload(definition, envelope)
  return definition
}
