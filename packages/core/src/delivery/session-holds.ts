import { isTidingsError } from '../errors/tidings-error.ts'
import type { Clock } from '../internal/clock.ts'
import type { SubscriptionStatus } from '../store/subscription-store.ts'
import type { Outage } from './outage.ts'
import type { Places } from './places.ts'
import { SessionOver, type SessionEnd } from './session-end.ts'
import { stateOf, type StateFacts } from './session-state.ts'

export interface HoldsParts {
  readonly clock: Clock
  readonly outage: Outage
  readonly places: () => Places
  /** Aborted with a {@link SessionOver} when the session ends. */
  readonly stopping: AbortSignal
  readonly end: (end: SessionEnd) => void
  readonly tell: (status: SubscriptionStatus) => void
  /** Tries one event although nothing succeeds, if there is one. */
  readonly probe: () => void
  /** Something may begin again. */
  readonly onFree: () => void
  readonly onCrash: (error: unknown) => void
}

const LONGEST_TROUBLE_MS = 30_000

/**
 * What holds a session up, and so the state that it is in: a person, an outage, a store in trouble, an
 * event of a newer version. Whoever is held waits here, and hears it when the session is over.
 */
export class SessionHolds {
  readonly #parts: HoldsParts
  #held: StateFacts['held']
  #resumed = Promise.withResolvers<void>()
  #trouble: { readonly error: unknown; readonly times: number } | undefined
  #newer: string | undefined
  #isLive = false
  #isProbing = false
  #lastFailure = ''

  constructor(parts: HoldsParts, pausedBecause: string | undefined) {
    this.#parts = parts
    if (pausedBecause !== undefined) this.#held = { state: 'paused', reason: pausedBecause }
    parts.stopping.addEventListener('abort', () => this.#resumed.resolve(), { once: true })
  }

  /** Why a person has to resume it; undefined: nobody has to. */
  get heldBecause(): string | undefined {
    return this.#held?.reason
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** Handles nothing of the log until it is resumed. */
  hold(state: 'paused' | 'failed', reason: string): void {
    if (this.#held === undefined) this.#resumed = Promise.withResolvers()
    this.#held = { state, reason }
    this.refresh()
  }

  resume(): void {
    this.#held = undefined
    this.#resumed.resolve()
    this.refresh()
    this.#parts.onFree()
  }

  /** Waits without holding one of the places for handlers. @throws {SessionOver} */
  async pause(delayMs: number): Promise<void> {
    await this.#parts.places().pauseFor(() => this.sleep(delayMs))
    // Waiting for a place may have taken until after the end.
    this.requireRunning()
  }

  /** @throws {SessionOver} */
  async sleep(delayMs: number): Promise<void> {
    await this.#parts.clock.sleep(delayMs, { signal: this.#parts.stopping })
  }

  /** @throws {SessionOver} */
  async untilResumed(): Promise<void> {
    await this.#parts.places().pauseFor(async () => {
      await this.#resumed.promise
      this.requireRunning()
    })
  }

  /** Nothing succeeds any more: from time to time one event is tried, until one does. @throws {SessionOver} */
  beginOutage(failure: string): void {
    this.requireRunning()
    this.#lastFailure = failure
    this.refresh()
    this.#startProbing()
  }

  /**
   * Something else than an event failed: waits where the store is in trouble; with anything else the
   * session is over. @throws {SessionOver}
   */
  async recover(error: unknown): Promise<void> {
    if (error instanceof SessionOver) throw error
    const code = isTidingsError(error) ? error.code : ''
    if (code === 'TIDINGS_FENCED') this.#parts.end({ kind: 'lost', why: String(error) })
    else if (code === 'TIDINGS_CLOSED') this.#parts.end({ kind: 'stopped' })
    else if (!code.startsWith('TIDINGS_STORE_')) this.#parts.end({ kind: 'failed', error })
    this.requireRunning()
    const times = (this.#trouble?.times ?? 0) + 1
    this.#trouble = { error, times }
    this.refresh()
    await this.sleep(Math.min(LONGEST_TROUBLE_MS, 50 * 2 ** Math.min(times, 20)))
  }

  /** What was in trouble works again. */
  recovered(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.refresh()
  }

  /** An attempt succeeded: whoever waited for that goes on. */
  succeeded(): void {
    const isOver = this.#parts.outage.succeeded()
    if (this.#trouble === undefined && !isOver) return
    this.#trouble = undefined
    this.refresh()
    this.#parts.onFree()
  }

  setLive(isLive: boolean): void {
    if (this.#isLive === isLive) return
    this.#isLive = isLive
    this.refresh()
  }

  /** @param newer the event of a newer version that is in the way; undefined: none is */
  setNewer(newer: string | undefined): void {
    this.#newer = newer
    this.refresh()
  }

  requireRunning(): void {
    this.#parts.stopping.throwIfAborted()
  }

  refresh(): void {
    if (!this.#parts.stopping.aborted) this.#parts.tell(stateOf(this.#facts()))
  }

  #facts(): StateFacts {
    const { outage } = this.#parts
    const why = outage.isActive
      ? `${outage.keys} keys failed one after the other and none succeeded: ${this.#lastFailure}`
      : this.#trouble && String(this.#trouble.error)
    return { held: this.#held, outage: why, waiting: this.#newer, isLive: this.#isLive }
  }

  #startProbing(): void {
    if (this.#isProbing) return
    this.#isProbing = true
    void this.#probe()
      .catch(this.#parts.onCrash)
      .finally(() => (this.#isProbing = false))
  }

  async #probe(): Promise<void> {
    const { outage, probe } = this.#parts
    while (outage.isActive) {
      await this.sleep(outage.nextDelayMs())
      if (outage.isActive) probe()
    }
  }
}
