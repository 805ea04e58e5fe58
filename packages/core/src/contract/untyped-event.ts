import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { defineEvent, type EventDefinition } from './define-event.ts'

/** Says of itself that it accepts everything, so that what was stored under it can be read back unchecked. */
const anything: StandardSchemaV1 & StandardJSONSchemaV1 = {
  '~standard': {
    version: 1,
    vendor: 'tidings',
    validate: (value) => ({ value }),
    jsonSchema: { input: () => ({}), output: () => ({}) },
  },
}

/**
 * An event of which only the name is known: what comes from outside, and nobody has described yet.
 *
 * Its payload is **not checked**, and typed `unknown`: whoever handles it looks at it first. A log still
 * refuses what JSON cannot say. Under a module the name keeps the rules for names; on a bus of its own
 * any dotted name will do. Once you know the payload, {@link defineEvent} under the same name takes over.
 */
export function untypedEvent<const Type extends string>(
  type: Type,
): EventDefinition<Type, unknown> {
  return defineEvent(type, { payload: anything })
}
