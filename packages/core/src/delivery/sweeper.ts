import { parseNormalTime, toIsoTime } from '../internal/time.ts'
import type { SweptFact } from '../observe/observations.ts'
import type { Lease } from '../store/lease-store.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import type { OwnershipOptions } from './owner.ts'
import type { Retention } from './retention.ts'

/** The name under which one process at a time forgets what is finished. */
export const RETENTION = 'retention'

/** Rows of a transaction: a delete of many holds up whoever appends. */
const BATCH = 500
/** Between two of them, milliseconds: what is kept too long does no harm for a while longer. */
const PAUSE_MS = 20
/** After which it is looked first, milliseconds, where it is not looked more often anyway. */
const FIRST_MS = 60_000

/**
 * Forgets what was finished long ago: parked events, operations, timers, messages from elsewhere. From
 * time to time, by whichever process has the lease then, in small transactions, by the store's time.
 *
 * running (by `start`) → stopped
 */
export class Sweeper {
  readonly #ports: DeliveryPorts
  readonly #ownership: OwnershipOptions
  readonly #retention: Retention
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(
    ports: DeliveryPorts,
    {
      ownership,
      retention,
    }: { readonly ownership: OwnershipOptions; readonly retention: Retention },
  ) {
    this.#ports = ports
    this.#ownership = ownership
    this.#retention = retention
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The retention stops'))
    await this.#running
  }

  async #run(): Promise<void> {
    const { everyMs } = this.#retention
    let waitMs = Math.min(everyMs, FIRST_MS)
    // Processes that were started together do not all look at the same moment.
    while (await this.#sleep(waitMs * (0.9 + 0.2 * this.#ports.random()))) {
      try {
        await this.#sweepAlone()
      } catch (error) {
        // The next time will do.
        this.#ports.onError(error)
      }
      waitMs = everyMs
    }
  }

  /** Unless another process does. */
  async #sweepAlone(): Promise<void> {
    const { leases } = this.#ports.store
    const { owner, leaseMs } = this.#ownership
    const lease = await leases.acquire(RETENTION, owner, leaseMs)
    if (lease === undefined) return
    try {
      await this.#sweepAll(lease)
    } finally {
      await leases.release(lease)
    }
  }

  async #sweepAll(lease: Lease): Promise<void> {
    const { parked, operations, timers, inbox } = this.#ports.store
    const { parkedMs, operationsMs, timersMs, inboxMs, inboxOfMs } = this.#retention
    const held: Held = { lease, nowMs: parseNormalTime(lease.expiresAt) - this.#ownership.leaseMs }
    const openMs = await this.#oldestOpenMs()
    await this.#sweep(held, {
      what: 'parked',
      keptMs: parkedMs,
      mostMs: openMs,
      sweep: (beforeMs, limit) => parked.sweep(toIsoTime(beforeMs), limit),
    })
    await this.#sweep(held, {
      what: 'operations',
      keptMs: operationsMs,
      sweep: (beforeMs, limit) => operations.sweep(toIsoTime(beforeMs), limit),
    })
    await this.#sweep(held, {
      what: 'timers',
      keptMs: timersMs,
      sweep: (beforeMs, limit) => timers.sweep(beforeMs, limit),
    })
    for (const source of await inbox.consumers()) {
      await this.#sweep(held, {
        what: 'inbox',
        source,
        keptMs: inboxOfMs.get(source) ?? inboxMs,
        sweep: (beforeMs, limit) => inbox.sweep(source, toIsoTime(beforeMs), limit),
      })
    }
  }

  /** A redrive counts at its end what became of each event: until then they are there. */
  async #oldestOpenMs(): Promise<number> {
    const open = await this.#ports.store.operations.list({ states: ['requested', 'running'] })
    return Math.min(...open.map(({ requestedAt }) => parseNormalTime(requestedAt)))
  }

  async #sweep(held: Held, share: Share): Promise<void> {
    const { what, source, keptMs, mostMs = Number.POSITIVE_INFINITY, sweep } = share
    // What is kept for ever is older than no time.
    const beforeMs = Math.floor(Math.min(held.nowMs - keptMs, mostMs))
    if (beforeMs <= 0) return
    let count = 0
    while (await this.#holds(held)) {
      const swept = await sweep(beforeMs, BATCH)
      count += swept
      if (swept < BATCH || !(await this.#sleep(PAUSE_MS))) break
    }
    const point = this.#ports.observations.swept
    if (count === 0 || !point.active) return
    point.emit({ what, source, count, before: toIsoTime(beforeMs) })
  }

  /** Whether it is still this process's to do. */
  async #holds(held: Held): Promise<boolean> {
    if (this.#stopping.signal.aborted || held.lease === undefined) return false
    const { environment, store } = this.#ports
    const { leaseMs } = this.#ownership
    const renewMs = (held.renewMs ??= environment.clock.now() + leaseMs / 3)
    if (environment.clock.now() < renewMs) return true
    held.renewMs = undefined
    held.lease = await store.leases.renew(held.lease, leaseMs)
    return held.lease !== undefined
  }

  /** @returns whether it goes on */
  async #sleep(delayMs: number): Promise<boolean> {
    try {
      await this.#ports.environment.clock.sleep(delayMs, { signal: this.#stopping.signal })
      return true
    } catch (error) {
      if (this.#stopping.signal.aborted) return false
      throw error
    }
  }
}

interface Held {
  lease: Lease | undefined
  /** By the store's clock, when the lease was taken. */
  readonly nowMs: number
  /** By the process's clock. */
  renewMs?: number | undefined
}

interface Share extends Pick<SweptFact, 'what'> {
  readonly source?: string
  readonly keptMs: number
  /** Nothing that ended from this time on, however short it is kept. */
  readonly mostMs?: number
  /** @returns how many */
  readonly sweep: (beforeMs: number, limit: number) => Promise<number>
}
