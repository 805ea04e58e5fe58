import { DefinitionError } from '../errors/usage-errors.ts'
import type { Envelope } from './envelope.ts'
import type { Route } from './define-aggregate.ts'

/** Whatever can stand in a module. It says to the compiler which events it knows and which commands it handles. */
export interface AnyPart {
  readonly kind: string
  readonly '~event'?: Envelope
  readonly '~route'?: Route
  /** The transaction that its handler needs; a module asks for that of all its parts. */
  readonly '~tx'?: unknown
}

export interface AnyModule {
  readonly kind: 'module'
  readonly name: string
  readonly parts: readonly AnyPart[]
  readonly '~event': Envelope
  readonly '~route': Route
  readonly '~tx': unknown
}

/** A named list of definitions and handlers that belong together. */
export interface Module<Name extends string, Part extends AnyPart> extends AnyModule {
  readonly name: Name
  readonly '~event': PartEvent<Part>
  readonly '~route': PartRoute<Part>
  readonly '~tx': PartTx<Part>
}

type PartEvent<Part> = Part extends { readonly '~event': infer E extends Envelope } ? E : never
type PartRoute<Part> = Part extends { readonly '~route': infer R extends Route } ? R : never

// An intersection: an application's store must do what every one of its handlers asks for.
type PartTx<Part> = (Part extends { readonly '~tx': infer Tx } ? (tx: Tx) => void : never) extends (
  tx: infer All,
) => void
  ? All
  : unknown

/**
 * Puts definitions and handlers together under a name. A module with dependencies is a function that
 * takes them and returns one.
 *
 * @throws {DefinitionError} when a part is no definition (a forgotten import, for example).
 */
export function defineModule<const Name extends string, const Parts extends readonly AnyPart[]>(
  name: Name,
  parts: Parts,
): Module<Name, Parts[number]> {
  const wrong = parts.findIndex(
    (part) => typeof (part as Partial<AnyPart> | undefined)?.kind !== 'string',
  )
  if (wrong !== -1)
    throw new DefinitionError(
      name,
      `part ${wrong + 1} is no definition: got ${typeof parts[wrong]}`,
    )
  return Object.freeze({
    kind: 'module',
    name,
    parts: Object.freeze([...parts]),
  }) as unknown as Module<Name, Parts[number]>
}
