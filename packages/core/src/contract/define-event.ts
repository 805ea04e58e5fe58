import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DefinitionError } from '../errors/usage-errors.ts'
import type {
  AnyEventDefinition,
  AnyFactDefinition,
  CheckedPayload,
  Draft,
  DraftOptions,
  SchemaInput,
  SchemaOutput,
} from './definition.ts'
import type { Topic } from './define-topic.ts'
import { freezeInDevelopment, type Envelope } from './envelope.ts'
import type { History, VersionOptions } from './versions.ts'

/** A fact's contract. Call it with a payload to say that it happened; that makes a draft, no event yet. */
export interface EventDefinition<Type extends string, Payload> extends AnyFactDefinition {
  (payload: Payload, options?: DraftOptions): Draft<Type, Payload>
  /** Whether an envelope is of this type (at any version). */
  is(envelope: Envelope): envelope is Envelope<Type, Payload>
  readonly type: Type
  readonly '~event': Envelope<Type, Payload>
  readonly '~draft': Draft<Type, Payload>
  readonly '~payload': Payload
  readonly '~input': Payload
}

/** A fact's contract whose schema fills in defaults: the call takes less than the event holds. */
export interface EventDefinitionWithDefaults<
  Type extends string,
  Payload,
  Input,
> extends AnyFactDefinition {
  (payload: Input, options?: DraftOptions): Draft<Type, Payload>
  /** Whether an envelope is of this type (at any version). */
  is(envelope: Envelope): envelope is Envelope<Type, Payload>
  readonly type: Type
  readonly '~event': Envelope<Type, Payload>
  readonly '~draft': Draft<Type, Payload>
  readonly '~payload': Payload
  readonly '~input': Input
}

// Two interfaces, so that the usual hover is `EventDefinition<'A.B.Done', { … }>` with the payload once.
export type EventDefinitionOf<Type extends string, S extends StandardSchemaV1> = [
  SchemaInput<S>,
] extends [SchemaOutput<S>]
  ? EventDefinition<Type, SchemaOutput<S>>
  : EventDefinitionWithDefaults<Type, SchemaOutput<S>, SchemaInput<S>>

/** A top-level field's name, or a JSON pointer to a deeper one. */
export type SensitiveField<Payload> = (keyof Payload & string) | `/${string}`

export interface EventOptions<S extends StandardSchemaV1> {
  /** Any Standard Schema of JSON values that is synchronous and passes its own output unchanged. */
  readonly payload: CheckedPayload<S>
  /** Names that are still read, never written. */
  readonly aliases?: readonly string[]
  /** Where the relay sends it; without one it stays in the log. */
  readonly topic?: Topic<string, 'facts' | 'results'>
  /** Partition key, evaluated once when the event is appended; the aggregate id by default. */
  readonly key?: (payload: SchemaOutput<S>) => string
  /** Fields whose values no error and no log may show. */
  readonly sensitive?: readonly SensitiveField<SchemaOutput<S>>[]
}

/**
 * Describes a fact once, for everyone who records, stores, sends or reads it.
 *
 * The name is checked by the registry at start-up, together with all others, so that one run shows
 * every problem.
 *
 * @throws {DefinitionError} when the version is no whole number from 1 up, or an upcast step is
 *   missing or surplus (also compile errors).
 */
export function defineEvent<
  const Type extends string,
  S extends StandardSchemaV1,
  const V extends number = 1,
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- no version has a schema
  const H extends History = Record<never, never>,
>(type: Type, options: EventOptions<S> & VersionOptions<V, H, S>): EventDefinitionOf<Type, S> {
  return makeEventDefinition({
    kind: 'event',
    type,
    ...readEventOptions(type, options),
  }) as unknown as EventDefinitionOf<Type, S>
}

/** The options as the rest of the library reads them, after the compiler has had its say. */
export interface LooseEventOptions {
  readonly payload: unknown
  readonly version?: number | undefined
  readonly history?: Readonly<Record<number, StandardSchemaV1>> | undefined
  readonly upcast?: Readonly<Record<number, (old: never) => unknown>> | undefined
  readonly aliases?: readonly string[] | undefined
  readonly topic?: AnyEventDefinition['topic']
  readonly key?: ((payload: never) => string) | undefined
  readonly sensitive?: readonly string[] | undefined
}

type EventFields = Pick<
  AnyEventDefinition,
  | 'version'
  | 'aggregateType'
  | 'schema'
  | 'aliases'
  | 'sensitive'
  | 'topic'
  | 'key'
  | 'history'
  | 'upcast'
>

export function readEventOptions(type: string, options: LooseEventOptions): EventFields {
  const version = options.version ?? 1
  if (!Number.isInteger(version) || version < 1) {
    throw new DefinitionError(type, `version must be a whole number from 1 up, got ${version}`)
  }
  const upcast = options.upcast ?? {}
  for (let step = 1; step < version; step++) {
    if (typeof upcast[step] === 'function') continue
    throw new DefinitionError(
      type,
      `version ${version} needs an upcaster from version ${step}: add 'upcast: { ${step}: (old) => … }'`,
    )
  }
  for (const table of ['upcast', 'history'] as const) {
    const surplus = Object.keys(options[table] ?? {}).find((key) => !isStepBelow(key, version))
    if (surplus === undefined) continue
    throw new DefinitionError(
      type,
      `'${table}' has an entry ${surplus}, but the current version is ${version}`,
    )
  }
  return {
    version,
    aggregateType: firstTwoSegments(type),
    schema: readSchema(type, options.payload),
    aliases: Object.freeze([...(options.aliases ?? [])]),
    sensitive: toPointers(options.sensitive),
    topic: options.topic,
    key: options.key,
    history: options.history ?? {},
    upcast,
  }
}

/** The whole name where it has fewer. Not a split: what is no text is refused by the registry, with the rest. */
function firstTwoSegments(type: string): string {
  return /^[^.]*(?:\.[^.]*)?/.exec(type)![0]
}

function isStepBelow(key: string, version: number): boolean {
  const step = Number(key)
  return Number.isInteger(step) && step >= 1 && step < version
}

export function toPointers(fields: readonly string[] | undefined): readonly string[] {
  return Object.freeze((fields ?? []).map((field) => (field.startsWith('/') ? field : `/${field}`)))
}

export function readSchema(type: string, schema: unknown): StandardSchemaV1 {
  const standard = (schema as Partial<StandardSchemaV1> | undefined)?.['~standard']
  if (typeof standard?.validate === 'function') return schema as StandardSchemaV1
  throw new DefinitionError(
    type,
    "'payload' must be a Standard Schema (zod, valibot, arktype, …): it has no '~standard.validate'",
  )
}

const NO_OPTIONS: DraftOptions = Object.freeze({})

/** Makes the callable that a definition is. */
export function makeEventDefinition<Fields extends { readonly type: string }>(
  fields: Fields,
): Fields & ((payload: unknown, options?: DraftOptions) => Draft) {
  const { type } = fields
  // Named by its key: `defineProperty` of the name would make each look at a field a search.
  const named = {
    [type]: (payload: unknown, options: DraftOptions = NO_OPTIONS): Draft =>
      freezeInDevelopment({ draftOf: type, payload, options, definition }),
  }
  const make = named[type]!
  const definition = make as unknown as AnyEventDefinition
  const is = (envelope: Envelope): boolean => envelope.eventType === fields.type
  return Object.freeze(Object.assign(make, fields, { is }))
}
