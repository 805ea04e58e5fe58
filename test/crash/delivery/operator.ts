import { isTidingsError, type Admin, type OperationRequest } from 'tidings'

/** Whoever looks after what is parked: has it redriven, and now and then sets one event aside. */
export class Operator {
  readonly #admin: Admin
  readonly #signal: AbortSignal
  #rounds = 0

  constructor(admin: Admin, signal: AbortSignal) {
    this.#admin = admin
    this.#signal = signal
  }

  /** @param force redrive also what was redriven often, as by processes that died meanwhile */
  async tend(force: boolean): Promise<void> {
    this.#rounds++
    for (const { name, deadLetters } of await this.#admin.subscriptions()) {
      if (deadLetters === 0) continue
      const subscription = name
      if (name === 'flaky' && this.#rounds % 3 === 0) await this.#discardOne(subscription)
      await this.#carryOut({
        kind: 'redrive',
        subscription,
        by: 'operator',
        reason: 'mended',
        force,
      })
    }
  }

  async #discardOne(subscription: string): Promise<void> {
    const states = ['parked'] as const
    const [letter] = await this.#admin.parked.list({ subscription, states }, { limit: 1 })
    if (letter === undefined) return
    const filter = { ids: [letter.parkedId] }
    await this.#carryOut({
      kind: 'discard',
      subscription,
      by: 'operator',
      reason: 'not needed',
      filter,
    })
  }

  async #carryOut(request: OperationRequest): Promise<void> {
    try {
      const { operationId } = await this.#admin.request(request)
      await this.#admin.ended(operationId, { everyMs: 5, signal: this.#signal })
    } catch (error) {
      // An operation that a dead process left has done it meanwhile.
      if (!isTidingsError(error) || error.code !== 'TIDINGS_NOTHING_PARKED') throw error
    }
  }
}
