import type { StandardSchemaV1 } from '@standard-schema/spec'
import type {
  AnyCommandDefinition,
  CheckedPayload,
  SchemaInput,
  SchemaOutput,
} from './definition.ts'
import { readSchema, toPointers, type SensitiveField } from './define-event.ts'

/** A request that may fail, with exactly one handler. Not callable: there is one way to send it. */
export interface CommandDefinition<
  Type extends string,
  Payload,
  Input,
> extends AnyCommandDefinition {
  readonly type: Type
  readonly '~payload': Payload
  readonly '~input': Input
}

export interface CommandOptions<S extends StandardSchemaV1> {
  /** Any Standard Schema of JSON values that is synchronous and passes its own output unchanged. */
  readonly payload: CheckedPayload<S>
  /** Fields whose values no error and no log may show. */
  readonly sensitive?: readonly SensitiveField<SchemaOutput<S>>[]
}

/**
 * Describes a request, in the imperative: `Todo.Item.Create`.
 *
 * @throws {DefinitionError} when the payload is no Standard Schema.
 */
export function defineCommand<const Type extends string, S extends StandardSchemaV1>(
  type: Type,
  options: CommandOptions<S>,
): CommandDefinition<Type, SchemaOutput<S>, SchemaInput<S>> {
  const fields = {
    kind: 'command',
    type,
    version: 1,
    schema: readSchema(type, options.payload),
    aliases: [],
    sensitive: toPointers(options.sensitive),
  }
  return Object.freeze(fields) as unknown as CommandDefinition<
    Type,
    SchemaOutput<S>,
    SchemaInput<S>
  >
}
