/**
 * How an attempt can be ended from outside: its signal is aborted, and whoever waits for its handler
 * waits no longer. Made for every attempt and used for hardly any, so it makes what it needs when it is
 * needed: a controller, and a listener on a signal that lasts, cost 1 µs.
 */
export class Interruption {
  #controller: AbortController | undefined
  #interrupted: { readonly error: Error } | undefined
  #reject: ((error: Error) => void) | undefined

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
    this.#reject?.(error)
  }

  /** What was awaited, or the interruption, whichever is first. */
  race<Result>(answer: PromiseLike<Result>): Promise<Result> {
    if (this.#interrupted !== undefined) return Promise.reject(this.#interrupted.error)
    return new Promise((resolve, reject) => {
      this.#reject = reject
      answer.then(resolve, reject)
    })
  }
}
