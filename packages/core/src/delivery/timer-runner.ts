import { isStoreInTrouble } from '../errors/store-errors.ts'
import { isTidingsError } from '../errors/tidings-error.ts'
import { Bell } from '../internal/bell.ts'
import { runInFrame } from '../internal/flow.ts'
import { deriveId } from '../internal/ids.ts'
import { toIsoTime } from '../internal/time.ts'
import { nameError } from '../observe/describe-error.ts'
import type { Lease } from '../store/lease-store.ts'
import type { Fence } from '../store/subscription-store.ts'
import type { TimerRecord } from '../store/timer-store.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { Owner, type OwnedEnd, type OwnershipOptions } from './owner.ts'

/** The name under which timers are owned by one process at a time. */
export const TIMERS = 'timers'

/** Timers that are fired side by side. */
const ABREAST = 20
/** How often it is looked for timers that other processes have set, milliseconds. */
const LOOK_MS = 250
/** How long a timer rests whose command could not be sent at all, milliseconds. */
const REST_MS = 5000

/**
 * Sends the commands of timers that are due: each once, whatever happens to the process, since its
 * command has an id derived from the timer; never early; and it says how late it was.
 *
 * One process at a time does it, the owner of `timers`.
 */
export class TimerRunner {
  readonly #ports: DeliveryPorts
  readonly #owner: Owner
  readonly #set = new Bell()
  /** Timers whose command could not be sent, until when they rest. */
  readonly #resting = new Map<string, number>()

  constructor(ports: DeliveryPorts, ownership: OwnershipOptions) {
    this.#ports = ports
    this.#owner = new Owner(TIMERS, ports, {
      ownership,
      work: {
        serve: (lease, lost) => this.#serve(lease, lost),
        onHeld: () => undefined,
        onFailed: () => undefined,
      },
    })
  }

  start(): void {
    this.#owner.start()
  }

  /** Timers were set in this process. */
  wake(): void {
    this.#set.ring()
  }

  async stop(): Promise<void> {
    const stopped = this.#owner.stop()
    this.#set.ring()
    await stopped
  }

  async #serve({ token, owner }: Lease, lost: AbortSignal): Promise<OwnedEnd> {
    const { subscriptions } = this.#ports.store
    const { record } = await subscriptions.claim({ name: TIMERS, token, owner, startAt: 0 })
    const fence: Fence = { subscription: TIMERS, generation: record.generation, token }
    const over = AbortSignal.any([lost, this.#owner.stopping])
    await subscriptions.describe(fence, { state: 'live', reason: '' })
    try {
      while (!over.aborted) await this.#fireDue(fence, over)
    } catch (error) {
      if ((error as { code?: string }).code === 'TIDINGS_FENCED') return 'lost'
      throw error
    }
    if (lost.aborted) return 'lost'
    await subscriptions.describe(fence, { state: 'stopped', reason: '' })
    await subscriptions.release(fence)
    return 'over'
  }

  async #fireDue(fence: Fence, over: AbortSignal): Promise<void> {
    const { clock } = this.#ports.environment
    const due = await this.#due(clock.now())
    await Promise.all(due.map((timer) => this.#fire(timer, fence, over)))
    if (due.length > 0) return
    const next = await this.#ports.store.timers.next()
    const waitMs = next === undefined ? LOOK_MS : Math.min(LOOK_MS, next - clock.now())
    // One that rests is due all the time.
    await this.#set.waitAtMost(waitMs > 0 ? waitMs : LOOK_MS, { clock, signal: over })
  }

  async #due(nowMs: number): Promise<readonly TimerRecord[]> {
    for (const [timerId, untilMs] of this.#resting) {
      // Or the clock was set back.
      if (untilMs <= nowMs || untilMs > nowMs + REST_MS) this.#resting.delete(timerId)
    }
    const due = await this.#ports.store.timers.due(nowMs, ABREAST + this.#resting.size)
    return due.filter(({ timerId }) => !this.#resting.has(timerId)).slice(0, ABREAST)
  }

  async #fire(timer: TimerRecord, fence: Fence, signal: AbortSignal): Promise<void> {
    const { store, environment } = this.#ports
    const lateMs = Math.max(0, environment.clock.now() - timer.dueAt)
    const failure = await this.#send(timer, lateMs, signal)
    if (failure === 'rests' || signal.aborted) return
    const firedAt = toIsoTime(environment.clock.now())
    await store.transaction(async (tx) => {
      await tx.progress(fence)
      await tx.fireTimer(timer.timerId, { firedAt, lateMs, failure: failure.said })
    })
  }

  /** @returns what the handler said against it; `rests` where it could not be asked */
  async #send(
    timer: TimerRecord,
    lateMs: number,
    signal: AbortSignal,
  ): Promise<'rests' | { readonly said: string | undefined }> {
    const { timerId, correlationId, causationId, commandType, dueAt } = timer
    const command = this.#ports.registry.command(commandType)
    if (command === undefined) {
      return this.#rest(
        timer,
        new Error(`No module here handles '${commandType}', for which timer ${timerId} was set.`),
      )
    }
    const metadata = { ...timer.metadata, timerDueAt: toIsoTime(dueAt), timerLateMs: lateMs }
    const frame = { correlationId, eventId: causationId, metadata: timer.metadata }
    try {
      await runInFrame(frame, () =>
        this.#ports.send(command, timer.input, {
          commandId: deriveId(dueAt, timerId, 'timer'),
          metadata,
          signal,
        }),
      )
      return { said: undefined }
    } catch (error) {
      if (signal.aborted) return 'rests'
      if (isOutcome(error)) {
        const { name, message } = nameError(error)
        return { said: `${name}: ${message}` }
      }
      return this.#rest(timer, error)
    }
  }

  #rest({ timerId }: TimerRecord, error: unknown): 'rests' {
    this.#ports.onError(error)
    this.#resting.set(timerId, this.#ports.environment.clock.now() + REST_MS)
    return 'rests'
  }
}

/** Whether the command was refused by its handler, rather than that it could not be handled now. */
function isOutcome(error: unknown): boolean {
  if (!isTidingsError(error)) return true
  return !error.retryable && !isStoreInTrouble(error) && error.code !== 'TIDINGS_CLOSED'
}
