/**
 * An abort of one's own that a signal which lasts causes too. Let go of it by `abort` or `release`,
 * or it stays on that signal: `AbortSignal.any` offers no way to, and leaves 1.4 kB behind each time.
 */
export class LinkedAbort {
  readonly #own = new AbortController()
  readonly #outer: AbortSignal
  readonly #follow = (): void => this.#own.abort(this.#outer.reason)

  constructor(outer: AbortSignal) {
    this.#outer = outer
    if (outer.aborted) this.#follow()
    else outer.addEventListener('abort', this.#follow, { once: true })
  }

  get signal(): AbortSignal {
    return this.#own.signal
  }

  abort(reason?: unknown): void {
    this.release()
    this.#own.abort(reason)
  }

  /** From here on the outer signal has no part in it. */
  release(): void {
    this.#outer.removeEventListener('abort', this.#follow)
  }
}
