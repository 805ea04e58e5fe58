import type { AnyDefinition, AnyEventDefinition } from './definition.ts'
import { jsonSchema, schemaHash } from './payload.ts'

/** What a running application declared of one version of one type. */
export interface DeclaredContract {
  readonly type: string
  readonly version: number
  readonly kind: 'event' | 'task' | 'command'
  readonly aliases: readonly string[]
  readonly topic: string | undefined
  readonly sensitive: readonly string[]
  readonly schemaHash: string | undefined
  /** JSON Schema of what a reader accepts and a writer makes; undefined where the library cannot say it. */
  readonly inputSchema: Readonly<Record<string, unknown>> | undefined
  readonly outputSchema: Readonly<Record<string, unknown>> | undefined
}

/** A definition as data: its current version, and the earlier ones whose schema it keeps. */
export function declareContracts(definition: AnyDefinition): readonly DeclaredContract[] {
  const { history, topic } = definition as Partial<AnyEventDefinition>
  const versions = [
    ...Object.entries(history ?? {}),
    [definition.version, definition.schema] as const,
  ]
  return versions.map(([version, schema]) => ({
    type: definition.type,
    version: Number(version),
    kind: definition.kind,
    aliases: definition.aliases,
    topic: topic?.name,
    sensitive: definition.sensitive,
    schemaHash: schemaHash(schema),
    inputSchema: jsonSchema(schema, 'input'),
    outputSchema: jsonSchema(schema, 'output'),
  }))
}
