import type { StandardSchemaV1 } from '@standard-schema/spec'
import type {
  AnyFactDefinition,
  AnyTaskDefinition,
  CheckedPayload,
  Draft,
  DraftOptions,
  SchemaInput,
  SchemaOutput,
} from './definition.ts'
import { makeEventDefinition, readEventOptions, type SensitiveField } from './define-event.ts'
import type { Topic } from './define-topic.ts'
import type { Envelope } from './envelope.ts'

/** The contract of a piece of work: it is recorded like an event, and ends in one of its result facts. */
export interface TaskDefinition<
  Type extends string,
  Payload,
  Input,
  Result extends AnyFactDefinition,
> extends AnyTaskDefinition {
  (payload: Input, options?: DraftOptions): Draft<Type, Payload>
  /** Whether an envelope is of this type. */
  is(envelope: Envelope): envelope is Envelope<Type, Payload>
  readonly type: Type
  readonly results: readonly Result[]
  readonly '~event': Envelope<Type, Payload>
  readonly '~draft': Draft<Type, Payload>
  readonly '~payload': Payload
  readonly '~input': Input
  readonly '~result': Result['~draft']
}

export interface TaskOptions<
  S extends StandardSchemaV1,
  Results extends readonly AnyFactDefinition[],
> {
  /** Any Standard Schema of JSON values that is synchronous and passes its own output unchanged. */
  readonly payload: CheckedPayload<S>
  /** The facts that the work may end in. */
  readonly results: Results
  readonly topic?: Topic<string, 'tasks'>
  /** Partition key, evaluated once when the task is recorded; the aggregate id by default. */
  readonly key?: (payload: SchemaOutput<S>) => string
  readonly aliases?: readonly string[]
  /** Fields whose values no error and no log may show. */
  readonly sensitive?: readonly SensitiveField<SchemaOutput<S>>[]
}

/**
 * Describes a piece of slow work: what it is given, and the facts it may end in.
 *
 * @throws {DefinitionError} when the payload is no Standard Schema.
 */
export function defineTask<
  const Type extends string,
  S extends StandardSchemaV1,
  const Results extends readonly AnyFactDefinition[],
>(
  type: Type,
  options: TaskOptions<S, Results>,
): TaskDefinition<Type, SchemaOutput<S>, SchemaInput<S>, Results[number]> {
  const fields = {
    kind: 'task',
    type,
    ...readEventOptions(type, options),
    results: Object.freeze([...options.results]),
  }
  return makeEventDefinition(fields) as unknown as TaskDefinition<
    Type,
    SchemaOutput<S>,
    SchemaInput<S>,
    Results[number]
  >
}
