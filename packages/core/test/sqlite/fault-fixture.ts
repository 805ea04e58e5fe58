import { StoreError } from '../../src/errors/store-errors.ts'

/** The error that a promise rejects with, to look at it closely. */
export async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof StoreError) return outcome
  throw new Error(`expected a StoreError, got ${String(outcome)}`, { cause: outcome })
}
