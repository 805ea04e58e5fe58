import type { HandlerContext } from '../handler.ts'
import { isThenable } from '../handler.ts'
import { Tally, type Work } from './compose.ts'

type Turn = () => void

/** The order in which those who wait are let in. */
export interface WaitingLine<In> {
  add(turn: Turn, input: In): void
  next(): Turn | undefined
}

/**
 * Runs work side by side, up to a limit: who ends hands the place to who waits first. The callbacks
 * are shared by all calls; a closure for each costs a third of the whole.
 */
export class Pool<In> {
  readonly #work: Work<In>
  readonly #line: WaitingLine<In>
  readonly #tally = new Tally()
  #free: number

  constructor(limit: number, line: WaitingLine<In>, work: Work<In>) {
    this.#free = limit
    this.#line = line
    this.#work = work
  }

  run(input: In, ctx: HandlerContext): unknown {
    this.#tally.begin()
    if (this.#free > 0) {
      this.#free--
      return this.#call(input, ctx)
    }
    // A promise continues in the context of who waits for it; a callback would run in that of who ends.
    return new Promise<void>((resolve) => this.#line.add(resolve, input)).then(() =>
      this.#callInTurn(input, ctx),
    )
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    return this.#tally.idle()
  }

  #callInTurn(input: In, ctx: HandlerContext): unknown {
    if (!ctx.signal.aborted) return this.#call(input, ctx)
    this.#release()
    throw ctx.signal.reason
  }

  #call(input: In, ctx: HandlerContext): unknown {
    let answer: unknown
    try {
      answer = this.#work(input, ctx)
    } catch (error) {
      this.#release()
      throw error
    }
    if (!isThenable(answer)) {
      this.#release()
      return answer
    }
    const promise = answer instanceof Promise ? answer : Promise.resolve(answer)
    return promise.then(this.#onDone, this.#onFailed)
  }

  readonly #onDone = (value: unknown): unknown => {
    this.#release()
    return value
  }

  readonly #onFailed = (error: unknown): never => {
    this.#release()
    throw error
  }

  #release(): void {
    const turn = this.#line.next()
    if (turn === undefined) this.#free++
    else turn()
    this.#tally.end()
  }
}
