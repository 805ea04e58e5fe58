/**
 * How an attempt can be ended from outside: its signal is aborted, and whoever waits for its handler
 * waits no longer. Made for every attempt and used for hardly any, so it makes what it needs when it is
 * needed: a controller, and a listener on a signal that lasts, cost 1 µs.
 */
export class Interruption {
  #controller: AbortController | undefined
  #interrupted: { readonly error: Error } | undefined
  /** Those who wait: one, or a lane each where several handlers share the attempt. */
  readonly #waiting = new Set<(error: Error) => void>()

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#interrupted !== undefined) this.#controller.abort(this.#interrupted.error)
    }
    return this.#controller.signal
  }

  /** Why it was ended. */
  get error(): Error | undefined {
    return this.#interrupted?.error
  }

  interrupt(error: Error): void {
    if (this.#interrupted !== undefined) return
    this.#interrupted = { error }
    this.#controller?.abort(error)
    for (const reject of this.#waiting) reject(error)
  }

  /**
   * What was awaited, or the interruption, whichever is first.
   *
   * @param over called once, before the one who waits goes on
   */
  race<Result>(answer: PromiseLike<Result>, over?: () => void): Promise<Result> {
    if (this.#interrupted !== undefined) {
      over?.()
      return Promise.reject(this.#interrupted.error)
    }
    return new Promise((resolve, reject) => {
      const stop = (error: Error): void => {
        if (!this.#waiting.delete(stop)) return
        over?.()
        reject(error)
      }
      this.#waiting.add(stop)
      answer.then((result) => {
        if (!this.#waiting.delete(stop)) return
        over?.()
        resolve(result)
      }, stop)
    })
  }
}
