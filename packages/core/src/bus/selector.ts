import type { AnyEventDefinition } from '../contract/definition.ts'
import type { Envelope } from '../contract/envelope.ts'
import { compileGlob, isGlob } from '../contract/glob.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { describeValue } from './options.ts'

/** Selects every event. */
export const ANY: unique symbol = Symbol('ANY')

/** What a listener wants: a definition, several, a glob over dotted names, or everything. */
export type Selector = AnyEventDefinition | readonly AnyEventDefinition[] | string | typeof ANY

/** `Todo.**` → `Todo.${string}`. Wider than the glob, which is exact at run time. */
type GlobPattern<Glob extends string> = Glob extends `${infer Head}**${infer Tail}`
  ? `${Head}${string}${GlobPattern<Tail>}`
  : Glob extends `${infer Head}*${infer Tail}`
    ? `${Head}${string}${GlobPattern<Tail>}`
    : Glob

type Matching<Known extends Envelope, Glob extends string> =
  Known extends Envelope<infer Type> ? (Type extends GlobPattern<Glob> ? Known : never) : never

/** The events that a selector selects, out of those that an application knows. */
export type Selected<S, Known extends Envelope> = S extends typeof ANY
  ? Known
  : S extends AnyEventDefinition
    ? S['~event']
    : S extends readonly (infer D extends AnyEventDefinition)[]
      ? D['~event']
      : S extends string
        ? string extends Known['eventType']
          ? Known
          : Matching<Known, S>
        : never

/** The selector itself, or a sentence that says that it selects nothing. */
export type CheckedSelector<S, Known extends Envelope> = S extends string
  ? string extends Known['eventType']
    ? S
    : [Matching<Known, S>] extends [never]
      ? `✗ no event of this app matches '${S}'`
      : S
  : S

/** A selector, ready to be asked. */
export interface CompiledSelector {
  /** The types it names, where it names them one by one; undefined: it has to be asked. */
  readonly types: readonly string[] | undefined
  readonly matches: (type: string) => boolean
  readonly description: string
}

/** Whether it is what `defineEvent` or `defineTask` answered with. */
export function isEventDefinition(value: unknown): value is AnyEventDefinition {
  const { kind, type } = (value ?? {}) as Partial<AnyEventDefinition>
  return (kind === 'event' || kind === 'task') && typeof type === 'string'
}

/**
 * @param known the types of the application; undefined where any name may come
 * @throws {UsageError} a name or glob that no known type fits, an empty list, an empty text
 */
export function compileSelector(
  selector: Selector,
  known: Iterable<string> | undefined,
): CompiledSelector {
  if (selector === ANY) return { types: undefined, matches: () => true, description: 'ANY' }
  if (typeof selector === 'string') return compileText(selector, known)
  const definitions = Array.isArray(selector)
    ? (selector as readonly AnyEventDefinition[])
    : [selector as AnyEventDefinition]
  if (definitions.length === 0) throw invalid('An empty list selects no event.')
  for (const definition of definitions) requireDefinition(definition)
  const types = [...new Set(definitions.map((definition) => definition.type))]
  const names = known === undefined ? undefined : new Set(known)
  const unknown = types.find((type) => names?.has(type) === false)
  if (unknown !== undefined)
    throw invalid(`No module of this application knows '${unknown}': it would never be delivered.`)
  return { types, matches: (type) => types.includes(type), description: types.join(', ') }
}

/** A command is sent, not published; an event or a draft of it is one event, not all of its type. */
function requireDefinition(definition: unknown): void {
  if (isEventDefinition(definition)) return
  const { kind, type } = (definition ?? {}) as Partial<AnyEventDefinition>
  const what =
    typeof type === 'string' ? `the ${String(kind)} '${type}'` : describeValue(definition)
  throw invalid(`What a listener wants is told by definitions of events; got ${what}.`)
}

function compileText(text: string, known: Iterable<string> | undefined): CompiledSelector {
  if (text === '' || text.split('.').includes(''))
    throw invalid(`'${text}' is no dotted name, and no glob over dotted names.`)
  const matches = compileGlob(text)
  if (known !== undefined && !some(known, matches))
    throw invalid(`No event of this application matches '${text}'.`)
  return { types: isGlob(text) ? undefined : [text], matches, description: text }
}

function some(types: Iterable<string>, matches: (type: string) => boolean): boolean {
  for (const type of types) if (matches(type)) return true
  return false
}

function invalid(problem: string): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${problem} Select with a definition, a list of them, a dotted name, a glob (* one segment, ** any number), or ANY.`,
  )
}
