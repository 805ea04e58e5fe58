import type { StoreError } from '../../src/errors/store-errors.ts'
import type { EventReader, Store } from '../../src/store/store.ts'
import { intercept } from './stores.ts'

export interface Breakable {
  readonly store: Store
  /** From now on every call fails with this, until it is mended. */
  readonly fail: (error: StoreError) => void
  readonly mend: () => void
}

/** A store that can be taken down, and comes back as it was. */
export function breakable(store: Store): Breakable {
  let failure: StoreError | undefined
  return {
    store: intercept(store, (method, call) =>
      failure === undefined ? call() : failWith(failure, method),
    ),
    fail: (error) => {
      failure = error
    },
    mend: () => {
      failure = undefined
    },
  }
}

function failWith(failure: StoreError, method: string): EventReader | Promise<never> {
  if (!['readAll', 'readStream', 'query'].includes(method)) return Promise.reject(failure)
  const pages = (): AsyncIterable<never> => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure) }),
  })
  return { ...pages(), pages, toArray: () => Promise.reject(failure) }
}
