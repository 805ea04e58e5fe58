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

  /** What was awaited, or the interruption, whichever is first. */
  race<Result>(answer: PromiseLike<Result>): Promise<Result> {
    if (this.#interrupted !== undefined) return Promise.reject(this.#interrupted.error)
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      const over =
        <Value>(end: (value: Value) => void) =>
        (value: Value): void => {
          this.#waiting.delete(reject)
          end(value)
        }
      answer.then(over(resolve), over(reject))
    })
  }
}
