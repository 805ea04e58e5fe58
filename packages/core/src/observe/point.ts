/** Told a fact, at the moment it happens. Must be quick: the work goes on after it. */
export type Observer<Fact> = (fact: Fact) => void

/**
 * A place where what happens can be seen. Costs one look at `active` while nobody does: whoever emits
 * builds the fact only then.
 */
export class ObservationPoint<Fact> {
  /** Whether anybody looks. */
  active = false
  #observers: readonly Observer<Fact>[] = []
  readonly #onObserverError: (error: unknown) => void

  /** @param onObserverError owns what an observer throws: it must not reach what is observed */
  constructor(onObserverError: (error: unknown) => void) {
    this.#onObserverError = onObserverError
  }

  observe(observer: Observer<Fact>): Disposable {
    // Wrapped, so that the same function twice is two observers, and each disposal ends its own.
    const entry: Observer<Fact> = (fact) => observer(fact)
    this.#observers = [...this.#observers, entry]
    this.active = true
    return {
      [Symbol.dispose]: () => {
        this.#observers = this.#observers.filter((other) => other !== entry)
        this.active = this.#observers.length > 0
      },
    }
  }

  emit(fact: Fact): void {
    const observers = this.#observers
    for (let index = 0; index < observers.length; index++) {
      try {
        const answer: unknown = observers[index]!(fact)
        // An async one keeps to the type, too: what it rejects with must have an owner.
        if (answer instanceof Promise) answer.catch(this.#onObserverError)
      } catch (error) {
        this.#onObserverError(error)
      }
    }
  }
}
