import { TidingsError } from './tidings-error.ts'

/** A definition contradicts itself. Thrown where it is made, so the stack points at it. */
export class DefinitionError extends TidingsError<'TIDINGS_DEFINITION_INVALID'> {
  readonly definition: string

  constructor(definition: string, message: string) {
    super('TIDINGS_DEFINITION_INVALID', `'${definition}': ${message}`)
    this.definition = definition
  }
}

/** The definitions of an application do not fit together. Carries every problem, not the first. */
export class RegistryError extends TidingsError<'TIDINGS_REGISTRY_INVALID'> {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super(
      'TIDINGS_REGISTRY_INVALID',
      `The contracts do not fit together (${count}):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
    this.problems = problems
  }
}

/** A name that no contract has. */
export class UnknownNameError extends TidingsError<'TIDINGS_NAME_UNKNOWN'> {
  /** The name as it came. */
  readonly unknown: string
  /** The nearest known names, nearest first. */
  readonly nearest: readonly string[]

  constructor(unknown: string, nearest: readonly string[]) {
    const hint =
      nearest.length > 0 ? ` Did you mean ${nearest.map((name) => `'${name}'`).join(' or ')}?` : ''
    super(
      'TIDINGS_NAME_UNKNOWN',
      `No contract is named '${unknown}'.${hint} Define it, or add it to a contract's aliases.`,
    )
    this.unknown = unknown
    this.nearest = nearest
  }
}

/** A call was made in a way that cannot work. */
export class UsageError extends TidingsError<
  | 'TIDINGS_ARGUMENT_INVALID'
  | 'TIDINGS_TRANSACTION_NESTED'
  | 'TIDINGS_TRANSACTION_CLOSED'
  | 'TIDINGS_CLOSED'
  | 'TIDINGS_COMMAND_UNHANDLED'
> {}
