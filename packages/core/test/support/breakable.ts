import type { StoreError } from '../../src/errors/store-errors.ts'
import type { EventReader, Store } from '../../src/store/store.ts'

export interface Breakable {
  readonly store: Store
  /** From now on every call fails with this, until it is mended. */
  readonly fail: (error: StoreError) => void
  readonly mend: () => void
}

/** A store that can be taken down, and comes back as it was. */
export function breakable(store: Store): Breakable {
  let failure: StoreError | undefined
  const part = <Part extends object>(whole: Part): Part =>
    new Proxy(whole, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value === 'object' && value !== null) return part(value)
        if (typeof value !== 'function') return value
        return (...args: readonly unknown[]): unknown =>
          failure === undefined
            ? Reflect.apply(value, target, args)
            : failWith(failure, key.toString())
      },
    })
  return {
    store: part(store),
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
