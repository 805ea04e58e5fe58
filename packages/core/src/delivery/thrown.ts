import type { Envelope } from '../contract/envelope.ts'
import { sha1 } from '../internal/sha1.ts'
import { nameError, redactorOf } from '../observe/describe-error.ts'
import type { SensitiveOf } from '../observe/redact.ts'
import type { ThrownRecord } from '../store/parked-store.ts'

const MESSAGE_CHARACTERS = 1000
const STACK_CHARACTERS = 4000

/** What was thrown, as a parked event keeps it: shortened, and without the event's sensitive values. */
export function toThrown(error: unknown, event: Envelope, sensitiveOf: SensitiveOf): ThrownRecord {
  const { name, message } = nameError(error)
  const redact = redactorOf(event, sensitiveOf)
  const hide = (text: string, limit: number): string => cut(redact(text), limit)
  const code = (error as { code?: unknown } | undefined | null)?.code
  const stack = error instanceof Error ? error.stack : undefined
  return {
    name: hide(name, MESSAGE_CHARACTERS),
    ...(typeof code === 'string' ? { code: hide(code, MESSAGE_CHARACTERS) } : undefined),
    message: hide(message, MESSAGE_CHARACTERS),
    ...(stack === undefined ? undefined : { stack: hide(stack, STACK_CHARACTERS) }),
  }
}

/** What an event failed of whose handler threw, and then the rule that was to decide about it. */
export function brokenRule(subscription: string, error: unknown, ruleError: unknown): Error {
  const [own, rule] = [error, ruleError].map((one) => nameError(one).message)
  return new Error(
    `A retry rule of '${subscription}' tells whether an error is its own; it threw '${rule}' when it was asked about '${own}'. Mend the rule, then redrive the event.`,
    { cause: error },
  )
}

function cut(text: string, limit: number): string {
  return text.length <= limit
    ? text
    : `${text.slice(0, limit)}… (${text.length} characters)`.toWellFormed()
}

/**
 * The same for the same error at the same place: name, code, message without what differs from event
 * to event (numbers, ids, quoted texts), and the function that threw. Lines and columns are left out,
 * or each deployment would make new groups.
 */
export function fingerprintOf({ name, code, message, stack }: ThrownRecord): string {
  const general = message
    .replaceAll(/'[^']*'|"[^"]*"|`[^`]*`/g, '…')
    .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '…')
    .replaceAll(/\d+/g, '…')
  const hash = sha1([name, code ?? '', general, placeOf(stack ?? '')].join('\n'))
  return Array.from(hash.subarray(0, 2), (word) => word.toString(16).padStart(8, '0')).join('')
}

/** The first frame that is neither Node's own nor somebody's package: a function in a file. */
function placeOf(stack: string): string {
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '))
  const own = frames.find((line) => !/node:|node_modules/.test(line)) ?? frames[0] ?? ''
  return own.replace(/:\d+:\d+\)?$/, '').replace(/\(.*[/\\]/, '(')
}
