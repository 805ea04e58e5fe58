import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { ContractError, shorten, type ContractIssue } from '../errors/contract-error.ts'
import { sha1 } from '../internal/sha1.ts'
import type { AnyDefinition } from './definition.ts'
import { escapePointer } from './json.ts'

/** Makes a faster schema of the same meaning, or gives the schema back where it cannot. */
export type SchemaCompiler = (schema: StandardSchemaV1) => StandardSchemaV1

const compilers = new Map<string, SchemaCompiler>()
let prepared = new WeakMap<StandardSchemaV1, StandardSchemaV1>()

/**
 * Says how schemas of a vendor are prepared, once each, before their first use. `tidings/zod` does so
 * for zod with its `z.compile`, which makes a check about four times as fast.
 */
export function registerSchemaCompiler(vendor: string, compile: SchemaCompiler): void {
  compilers.set(vendor, compile)
  prepared = new WeakMap()
}

/** Whether a compiler is registered for the vendor of this schema. For `doctor`. */
export function hasSchemaCompiler(schema: StandardSchemaV1): boolean {
  return compilers.has(schema['~standard'].vendor)
}

function prepare(schema: StandardSchemaV1): StandardSchemaV1 {
  let ready = prepared.get(schema)
  if (ready === undefined) {
    ready = compilers.get(schema['~standard'].vendor)?.(schema) ?? schema
    prepared.set(schema, ready)
  }
  return ready
}

/** What parsing needs to know of a contract. */
export type PayloadContract = Pick<AnyDefinition, 'type' | 'schema' | 'sensitive'>

/**
 * A payload as its contract makes it: checked, defaults filled in, unknown fields as the schema says.
 *
 * @throws {ContractError} `TIDINGS_PAYLOAD_INVALID` with a pointer per fault; `TIDINGS_SCHEMA_ASYNC`
 *   when the schema answers with a promise.
 */
export function parsePayload(contract: PayloadContract, payload: unknown): unknown {
  const result = prepare(contract.schema)['~standard'].validate(payload)
  if (result instanceof Promise) throw asyncSchema(contract, result)
  if (result.issues === undefined) return result.value
  throw new ContractError('TIDINGS_PAYLOAD_INVALID', 'the payload does not fit its contract.', {
    type: contract.type,
    issues: result.issues.map((issue) => describeIssue(contract, issue, payload)),
    nextStep: 'Nothing was stored. Mend the payload, or change the contract under a new version.',
  })
}

function asyncSchema(contract: PayloadContract, pending: Promise<unknown>): ContractError {
  // The schema's own failure is of no use once it is refused, but must not end the process either.
  pending.catch(ignoreLateResult)
  return new ContractError(
    'TIDINGS_SCHEMA_ASYNC',
    'the schema is asynchronous, or one of its checks threw.',
    {
      type: contract.type,
      issues: [{ pointer: '', expected: 'a schema that answers at once', actual: 'a promise' }],
      nextStep: 'Check outside facts in the command handler, and keep the schema synchronous.',
    },
  )
}

function ignoreLateResult(): undefined {
  return undefined
}

function describeIssue(
  contract: PayloadContract,
  issue: StandardSchemaV1.Issue,
  payload: unknown,
): ContractIssue {
  const { pointer, actual } = locate(issue.path ?? [], payload)
  if (!touchesSensitive(contract.sensitive, pointer)) {
    return { pointer, expected: expectationOf(issue.message), actual: shorten(actual) }
  }
  // Some libraries quote the value in their message, so the message is hidden with it.
  return { pointer, expected: 'what the contract says', actual: '[sensitive]' }
}

const EXPECTATIONS: readonly [RegExp, (rest: string) => string][] = [
  [/[Ee]xpected (.+?)(?:,? (?:but )?received .*)?$/s, (rest) => rest],
  [/must be (.+?)(?: \(was .*\))?$/s, (rest) => rest],
  [/^Invalid (.+)$/s, (rest) => `a valid ${rest}`],
]

/** What a library's sentence says was expected; what came, the issue says itself. */
function expectationOf(message: string): string {
  for (const [pattern, phrase] of EXPECTATIONS) {
    const rest = pattern.exec(message)?.[1]
    if (rest !== undefined) return phrase(rest)
  }
  return message
}

function locate(
  path: NonNullable<StandardSchemaV1.Issue['path']>,
  payload: unknown,
): { readonly pointer: string; readonly actual: unknown } {
  let pointer = ''
  let actual: unknown = payload
  // Not `path.map`: arktype's path is an array of its own class, whose map of an empty one says [0].
  for (const step of path) {
    const key = typeof step === 'object' ? step.key : step
    pointer += `/${escapePointer(String(key))}`
    actual = (actual as Record<PropertyKey, unknown> | null | undefined)?.[key]
  }
  return { pointer, actual }
}

/** Whether the value at a pointer is, holds, or lies within a sensitive field. `*` stands for any step. */
export function touchesSensitive(sensitive: readonly string[], pointer: string): boolean {
  if (sensitive.length === 0) return false
  const steps = pointer.split('/')
  return sensitive.some((field) => {
    const wanted = field.split('/')
    const shared = Math.min(wanted.length, steps.length)
    for (let index = 0; index < shared; index++) {
      if (wanted[index] !== steps[index] && wanted[index] !== '*') return false
    }
    return true
  })
}

const hashes = new WeakMap<StandardSchemaV1, string | null>()

/**
 * A short hash of what a schema makes, `undefined` for one that cannot say it as JSON Schema. Events
 * written under the same hash need no second check when they are read.
 */
export function schemaHash(schema: StandardSchemaV1): string | undefined {
  let hash = hashes.get(schema)
  if (hash === undefined) {
    const json = jsonSchema(schema, 'output')
    hash = json === undefined ? null : hexWords(sha1(canonicalJson(json)))
    hashes.set(schema, hash)
  }
  return hash ?? undefined
}

function hexWords(words: Uint32Array): string {
  return Array.from(words.subarray(0, 2), (word) => word.toString(16).padStart(8, '0')).join('')
}

/** A schema as JSON Schema (draft 2020-12), `undefined` where its library cannot say it. */
export function jsonSchema(
  schema: StandardSchemaV1,
  side: 'input' | 'output',
): Record<string, unknown> | undefined {
  const standard = schema['~standard'] as Partial<StandardJSONSchemaV1.Props> &
    StandardSchemaV1.Props
  if (standard.jsonSchema === undefined) return undefined
  try {
    return standard.jsonSchema[side]({ target: 'draft-2020-12' })
  } catch {
    // The specification lets it throw for what JSON Schema cannot say; then there is none.
    return undefined
  }
}

/** JSON with sorted keys: the same text for the same value. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
}
