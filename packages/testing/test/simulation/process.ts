import { StoreError, type Clock } from 'tidings'
import type { SeededRandom } from '../../src/fakes/seeded.ts'
import { never, type VirtualTime } from './virtual-time.ts'

export interface ProcessParts {
  readonly name: string
  readonly time: VirtualTime
  readonly random: SeededRandom
  readonly latencyMs: number
  readonly skewMs: number
  /** Whether the store is too busy for this process now. */
  readonly isStoreBusy: () => boolean
  /** Whether the answer to a commit does not come through now. */
  readonly isAnswerLost: () => boolean
  /** It is gone for good, at this step. */
  readonly onDeath: (process: SimulatedProcess, step: string) => void
  readonly onBusy: (step: string) => void
}

/**
 * What a program needs of an operating system: time, and to be let run. Everything that the program
 * does between two waits is a step; it can die, or be held up, before and after each.
 *
 * running ⇄ frozen → dead (hears nothing more, and nothing that it does has an effect)
 */
export class SimulatedProcess {
  readonly name: string
  readonly clock: Clock
  readonly #parts: ProcessParts
  #skewMs: number
  #isDead = false
  #stepsLeft = Number.POSITIVE_INFINITY
  /** What waits until it goes on; undefined while it runs. */
  #held: (() => void)[] | undefined

  constructor(parts: ProcessParts) {
    this.name = parts.name
    this.#parts = parts
    this.#skewMs = parts.skewMs
    this.clock = {
      now: () => parts.time.nowMs + this.#skewMs,
      sleep: (delayMs, options) => this.#sleep(delayMs, options?.signal ?? undefined),
    }
  }

  get isDead(): boolean {
    return this.#isDead
  }

  get isFrozen(): boolean {
    return this.#held !== undefined
  }

  /** Dies when it has done so many steps more. */
  dieIn(steps: number): void {
    this.#stepsLeft = steps
  }

  lives(): void {
    this.#stepsLeft = Number.POSITIVE_INFINITY
  }

  die(step: string): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#held = undefined
    this.#parts.onDeath(this, step)
  }

  freeze(): void {
    this.#held ??= []
  }

  thaw(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const go of held) go()
  }

  stepClock(byMs: number): void {
    this.#skewMs += byMs
  }

  /** A step begins: it takes its time, and may be the last one. @throws {StoreError} it is too busy */
  async enter(step: string): Promise<void> {
    await this.#pass(`before ${step}`)
    const { latencyMs, random, time } = this.#parts
    if (latencyMs > 0 && random.below(3) > 0) {
      await time.sleep(random.below(latencyMs) + 1)
      await this.#pass(`in ${step}`)
    }
    if (this.#parts.isStoreBusy()) {
      this.#parts.onBusy(step)
      throw new StoreError('TIDINGS_STORE_BUSY', 'simulation', `The store is busy (${step}).`, {
        retryable: true,
      })
    }
  }

  /** A step is over, and its process hears of it, or does not. */
  leave(step: string): Promise<void> {
    return this.#pass(`after ${step}`)
  }

  /** Whether what it has just committed is not answered. */
  isAnswerLost(): boolean {
    return this.#parts.isAnswerLost()
  }

  async step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    await this.enter(name)
    let result: Result
    try {
      result = await work()
    } catch (error) {
      await this.leave(name)
      throw error
    }
    await this.leave(name)
    return result
  }

  /** What comes from outside, heard when it can be. */
  async hear<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work
    } finally {
      await this.#untilRunning()
    }
  }

  /** Whether it was this process that did what is told just now; one that is dead or frozen hears nothing. */
  hearsNow(): boolean {
    return !this.#isDead && !this.isFrozen && this.#parts.random.below(2) === 0
  }

  async #pass(step: string): Promise<void> {
    if (!this.#isDead && --this.#stepsLeft < 0) this.die(step)
    await this.#untilRunning()
  }

  async #untilRunning(): Promise<void> {
    while (this.#held !== undefined) await new Promise<void>((go) => this.#held?.push(go))
    if (this.#isDead) await never()
  }

  #sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        takeBack()
        reject(signal?.reason as Error)
      }
      const wake = (): void => {
        if (this.#isDead) return
        if (this.#held !== undefined) return void this.#held.push(wake)
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const takeBack = this.#parts.time.after(delayMs, wake)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
