import type { Envelope } from '../contract/envelope.ts'

/**
 * Thrown by the handler of a batch that did its work for some of it: those that are not named here are
 * handled, and are not handed to it again.
 */
export class PartialFailure extends Error {
  readonly failures: readonly { readonly event: Envelope; readonly error: unknown }[]

  constructor(failures: readonly { readonly event: Envelope; readonly error: unknown }[]) {
    super(`${failures.length} events of a batch failed; the first: ${String(failures[0]?.error)}`)
    this.name = 'PartialFailure'
    this.failures = failures
  }
}
