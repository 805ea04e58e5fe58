import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Envelope } from './envelope.ts'
import type { JsonProblems } from './json.ts'

/** What a schema accepts. */
export type SchemaInput<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>
/** What a schema makes of it. */
export type SchemaOutput<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>

/**
 * The schema itself when its payload can be stored, else a sentence that says why not. (Written so,
 * and not as `S & Check<S>`: the error then prints the sentence, not the schema twice.)
 */
export type CheckedPayload<S extends StandardSchemaV1> = [JsonProblems<SchemaOutput<S>>] extends [
  never,
]
  ? [SchemaOutput<S>] extends [SchemaInput<S>]
    ? S
    : '✗ the schema changes its values: what it makes must be accepted by it again, unchanged (no transform, no coercion)'
  : JsonProblems<SchemaOutput<S>>

/** What an event says it came from, or overrides; all of it is filled in where it is absent. */
export interface DraftOptions {
  /** UUID; a new UUIDv7 by default. Give one to make a repeated append recognisable. */
  readonly eventId?: string
  /** When it happened, ISO 8601 with offset; now by default. */
  readonly timestamp?: string
  readonly metadata?: Envelope['metadata']
}

/** An event that is said but not recorded: pure data, without id or time. */
export interface Draft<Type extends string = string, Payload = unknown> {
  readonly draftOf: Type
  readonly payload: Payload
  readonly options: DraftOptions
  readonly definition: AnyEventDefinition
}

/** Members that begin with `~` are for the compiler only: at run time they are absent. */
export interface AnyDefinition {
  readonly kind: 'event' | 'task' | 'command'
  readonly type: string
  readonly version: number
  readonly schema: StandardSchemaV1
  /** Names that are still read, never written. */
  readonly aliases: readonly string[]
  /** JSON pointers of the fields whose values no error and no log may show. */
  readonly sensitive: readonly string[]
  readonly '~event': Envelope
  readonly '~draft': Draft
  readonly '~payload': unknown
  readonly '~input': unknown
  readonly '~result': unknown
  readonly '~route': never
}

/** What is recorded in the log: a fact, or a task (a fact that asks for work). */
export interface AnyEventDefinition extends AnyDefinition {
  readonly kind: 'event' | 'task'
  /** The first two segments of the type: what an event belongs to that no aggregate recorded. */
  readonly aggregateType: string
  readonly topic: AnyTopic | undefined
  /** The partition key of a payload; undefined: the aggregate id. */
  readonly key: ((payload: never) => string) | undefined
  /** What it is for, where its kind does not say it: a fact is kept, work may go. */
  readonly class?: 'fact' | 'work'
  /** Schemas of earlier versions. */
  readonly history: Readonly<Record<number, StandardSchemaV1>>
  /** One step from each earlier version to the next. */
  readonly upcast: Readonly<Record<number, (old: never) => unknown>>
}

export interface AnyFactDefinition extends AnyEventDefinition {
  readonly kind: 'event'
}

export interface AnyTaskDefinition extends AnyEventDefinition {
  readonly kind: 'task'
  readonly results: readonly AnyFactDefinition[]
}

export interface AnyCommandDefinition extends AnyDefinition {
  readonly kind: 'command'
  readonly '~event': never
  readonly '~draft': never
}

export type Carries = 'facts' | 'tasks' | 'results'

export interface AnyTopic {
  readonly kind: 'topic'
  readonly name: string
  readonly carries: Carries
  readonly partitions: number
  readonly replicas: number
  /** Milliseconds. */
  readonly retentionMs: number
  /** Milliseconds. */
  readonly segmentMs: number
  readonly cleanup: 'delete' | 'compact'
}
