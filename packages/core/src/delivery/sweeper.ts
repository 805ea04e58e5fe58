import { parseNormalTime, toIsoTime } from '../internal/time.ts'
import type { SweptFact } from '../observe/observations.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { HeldLease } from './held-lease.ts'
import type { OwnershipOptions } from './owner.ts'
import { retainEvents } from './retain-events.ts'
import { historicRecords, notBegun, oldestUnread } from './retention-holds.ts'
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
  readonly #subscriptions: readonly string[]
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(
    ports: DeliveryPorts,
    {
      ownership,
      retention,
      subscriptions,
    }: {
      readonly ownership: OwnershipOptions
      readonly retention: Retention
      /** Names of those of this application: what one has not begun to read is kept for it. */
      readonly subscriptions: readonly string[]
    },
  ) {
    this.#subscriptions = subscriptions
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
    const { store, environment } = this.#ports
    const { owner, leaseMs } = this.#ownership
    const by = { owner, leaseMs, clock: environment.clock }
    const held = await HeldLease.take(store, RETENTION, by)
    if (held === undefined) return
    try {
      await this.#sweepAll(held)
    } finally {
      await held.release()
    }
  }

  async #sweepAll(held: HeldLease): Promise<void> {
    const { parked, operations, timers, inbox } = this.#ports.store
    const { parkedMs, operationsMs, timersMs, inboxMs, inboxOfMs } = this.#retention
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
    await this.#sweepLog(held)
  }

  /** What is deleted only where somebody asked for it: work, and outcomes of commands. */
  async #sweepLog(held: HeldLease): Promise<void> {
    const { commandsMs, workMs, archive, unsent } = this.#retention
    if (Math.min(commandsMs, workMs) === Number.POSITIVE_INFINITY) return
    const { store } = this.#ports
    const records = await store.subscriptions.list()
    // Where it will begin, only its first claim says.
    if (notBegun(this.#subscriptions, records).length > 0) return
    const ignore = historicRecords(records)
    const unread = await oldestUnread(store)
    await this.#sweep(held, {
      what: 'commands',
      keptMs: commandsMs,
      mostMs: unread === undefined ? Number.POSITIVE_INFINITY : parseNormalTime(unread),
      sweep: (beforeMs, limit) => store.commands.sweep(toIsoTime(beforeMs), limit),
    })
    const beforeMs = Math.floor(held.nowMs - workMs)
    if (beforeMs <= 0) return
    const { removed } = await retainEvents(store, {
      choice: { before: toIsoTime(beforeMs), ignore, unsent },
      archive,
      goOn: async () => (await this.#sleep(PAUSE_MS)) && this.#holds(held),
    })
    this.#tell({ what: 'work', source: undefined, count: removed, before: toIsoTime(beforeMs) })
  }

  /** A redrive counts at its end what became of each event: until then they are there. */
  async #oldestOpenMs(): Promise<number> {
    const open = await this.#ports.store.operations.list({ states: ['requested', 'running'] })
    return Math.min(...open.map(({ requestedAt }) => parseNormalTime(requestedAt)))
  }

  async #sweep(held: HeldLease, share: Share): Promise<void> {
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
    this.#tell({ what, source, count, before: toIsoTime(beforeMs) })
  }

  #tell(fact: SweptFact): void {
    const point = this.#ports.observations.swept
    if (fact.count > 0 && point.active) point.emit(fact)
  }

  /** Whether it is still this process's to do. */
  async #holds(held: HeldLease): Promise<boolean> {
    return !this.#stopping.signal.aborted && (await held.holds())
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

interface Share extends Pick<SweptFact, 'what'> {
  readonly source?: string
  readonly keptMs: number
  /** Nothing that ended from this time on, however short it is kept. */
  readonly mostMs?: number
  /** @returns how many */
  readonly sweep: (beforeMs: number, limit: number) => Promise<number>
}
