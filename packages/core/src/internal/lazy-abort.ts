/**
 * An abort whose signal is made when somebody asks for it. Most listeners end with a signal that nobody
 * has looked at, and to abort one makes an error with a stack: four fifths of subscribing and unsubscribing.
 */
export class LazyAbort {
  #controller: AbortController | undefined
  #ended: { readonly reason: unknown } | undefined

  /** Always the same one; also where it is asked for when it is over. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason)
    }
    return this.#controller.signal
  }

  /** Twice is once: the first reason stays. */
  abort(reason?: unknown): void {
    this.#ended ??= { reason }
    this.#controller?.abort(reason)
  }
}
