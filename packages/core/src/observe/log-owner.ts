import type { Observations } from './observations.ts'

const logging = new WeakMap<Observations, number>()

/**
 * Whether failed handlers are logged already: then the default owner of failures, which would write
 * them to standard error, keeps silent. One failure is one entry.
 */
export function failuresAreLogged(observations: Observations): boolean {
  return (logging.get(observations) ?? 0) > 0
}

/** Says that failed handlers are logged, until it is disposed of. */
export function ownFailureLog(observations: Observations): Disposable {
  const add = (count: number): void => {
    logging.set(observations, (logging.get(observations) ?? 0) + count)
  }
  add(1)
  let ended = false
  return {
    [Symbol.dispose]: () => {
      if (!ended) add(-1)
      ended = true
    },
  }
}
