import { TidingsError, type ErrorCode, type TidingsErrorOptions } from './tidings-error.ts'

/** One thing that is wrong with a message. */
export interface ContractIssue {
  /** JSON pointer (RFC 6901) into the payload or the envelope; '' is the whole of it. */
  readonly pointer: string
  readonly expected: string
  /** What came, shortened; `[sensitive]` where the contract marks the field. */
  readonly actual: string
}

export type ContractErrorCode = Extract<
  ErrorCode,
  | 'TIDINGS_PAYLOAD_INVALID'
  | 'TIDINGS_PAYLOAD_NOT_JSON'
  | 'TIDINGS_UPCAST_FAILED'
  | 'TIDINGS_SCHEMA_ASYNC'
  | 'TIDINGS_ENVELOPE_INVALID'
  | 'TIDINGS_EVENT_UNREADABLE'
  | 'TIDINGS_EVENT_TOO_LARGE'
  | 'TIDINGS_NAME_UNKNOWN'
  | 'TIDINGS_VERSION_UNKNOWN'
>

export interface ContractErrorFacts extends TidingsErrorOptions {
  /** The dotted type; undefined where the message did not say one. */
  readonly type?: string | undefined
  readonly issues: readonly ContractIssue[]
  /** What the caller can do about it, one sentence. */
  readonly nextStep: string
}

const ISSUES_IN_MESSAGE = 5

/**
 * A message was refused at the door: nothing of it was stored or sent. Trying again without a change
 * cannot help.
 */
export class ContractError extends TidingsError<ContractErrorCode> {
  readonly type: string | undefined
  readonly issues: readonly ContractIssue[]

  constructor(code: ContractErrorCode, rule: string, facts: ContractErrorFacts) {
    super(code, describe(rule, facts), facts)
    this.type = facts.type
    this.issues = facts.issues
  }
}

function describe(rule: string, facts: ContractErrorFacts): string {
  const subject = facts.type === undefined ? capitalise(rule) : `${facts.type}: ${rule}`
  const shown = facts.issues.slice(0, ISSUES_IN_MESSAGE).map(describeIssue)
  const more = facts.issues.length - shown.length
  if (more > 0) shown.push(`and ${more} more`)
  const details = shown.length > 0 ? ` ${capitalise(shown.join('; '))}.` : ''
  return `${subject}${details} ${facts.nextStep}`
}

function capitalise(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

function describeIssue({ pointer, expected, actual }: ContractIssue): string {
  return `at ${pointer === '' ? 'the top' : pointer}: expected ${expected}, got ${actual}`
}

const SHOWN_CHARACTERS = 80

/** A value as an error message may show it: JSON, at most 80 characters, never a throw. */
export function shorten(value: unknown): string {
  return shortenText(renderValue(value), SHOWN_CHARACTERS)
}

/** A text of at most `characters`, and how long it was where that is more. */
export function shortenText(text: string, characters: number): string {
  return text.length <= characters
    ? text
    : `${text.slice(0, characters)}… (${text.length} characters)`
}

/** A value as text, JSON where that can be, as long as it is. Throws only where looking at it does. */
export function renderValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'number') return String(value)
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    // A circular object, a bigint inside, or a toJSON that throws: its kind is all that can be said.
    return Object.prototype.toString.call(value)
  }
}
