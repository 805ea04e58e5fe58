import {
  memoryStore,
  type OperationRecord,
  type ParkedEvent,
  type ProgressChange,
  type Store,
  type StoreTransaction,
  type StreamAppend,
} from 'tidings'
import { changeTransaction, readerOf } from '../../src/broken/store-wrapper.ts'
import type { Journal } from './journal.ts'
import type { SimulatedProcess } from './process.ts'
import type { VirtualTime } from './virtual-time.ts'

/** The type of the events that stand for the effects of handlers. */
export const EFFECT = 'Simulation.Effect.Created'

interface OpenTransaction {
  readonly process: SimulatedProcess
  readonly end: (error: Error) => void
}

interface Writing {
  readonly progress: ProgressChange[]
  readonly effects: number[]
  readonly parked: ParkedEvent[]
  readonly operations: OperationRecord[]
}

/**
 * The database that all processes of a history share: a log in memory behind one lock, so that the
 * journal has what was written in the very order in which it was.
 */
export class SharedLog {
  readonly store: Store
  readonly journal: Journal
  readonly #open = new Set<OpenTransaction>()
  #last: Promise<void> = Promise.resolve()

  constructor(time: VirtualTime, journal: Journal) {
    this.store = memoryStore({
      clock: { now: () => time.nowMs, sleep: (delayMs) => time.sleep(delayMs) },
    })
    this.journal = journal
  }

  /** Takes the lock. @returns what gives it back */
  async lock(): Promise<() => void> {
    const mine = Promise.withResolvers<void>()
    const before = this.#last
    this.#last = mine.promise
    await before
    return mine.resolve
  }

  /** Runs a write that is no transaction. */
  async write<Result>(
    work: () => Promise<Result>,
    written: (result: Result) => void,
  ): Promise<Result> {
    const unlock = await this.lock()
    try {
      const result = await work()
      written(result)
      return result
    } finally {
      unlock()
    }
  }

  /** What the database does about those who went away: rolls back what they had begun. */
  endTransactionsOf(process: SimulatedProcess, error: Error): void {
    for (const open of this.#open) if (open.process === process) open.end(error)
  }

  async transaction<Result>(
    process: SimulatedProcess,
    work: (tx: StoreTransaction) => Promise<Result>,
  ): Promise<Result> {
    const ended = Promise.withResolvers<never>()
    // Heard where it matters, below; it may come when nobody listens any more.
    ended.promise.catch(() => undefined)
    const gate = new Gate(this, ended.promise)
    const open = { process, end: (error: Error) => gate.end(error, ended.reject) }
    this.#open.add(open)
    try {
      return await this.store.transaction(async (tx) => {
        const writing: Writing = { progress: [], effects: [], parked: [], operations: [] }
        const result = await gate.race(work(watched(tx, { process, gate, writing })))
        await gate.race(process.enter('commit'))
        // Nobody else writes before this one is committed: it holds the lock.
        if (gate.isEntered) {
          this.journal.write({ kind: 'committed', process: process.name, ...writing })
        }
        return result
      })
    } finally {
      this.#open.delete(open)
      gate.leave()
    }
  }
}

/** The way of one transaction through the lock: in by its first statement, out when it ends. */
class Gate {
  readonly #log: SharedLog
  readonly #ended: Promise<never>
  #entering: Promise<void> | undefined
  #unlock: (() => void) | undefined
  #isOver = false
  #error: Error | undefined

  constructor(log: SharedLog, ended: Promise<never>) {
    this.#log = log
    this.#ended = ended
  }

  get isEntered(): boolean {
    return this.#unlock !== undefined
  }

  end(error: Error, reject: (error: Error) => void): void {
    this.#error ??= error
    reject(error)
  }

  race<Result>(work: Promise<Result>): Promise<Result> {
    return Promise.race([work, this.#ended])
  }

  async enter(): Promise<void> {
    this.#entering ??= this.#enter()
    await this.#entering
    if (this.#error !== undefined) throw this.#error
  }

  leave(): void {
    this.#isOver = true
    this.#unlock?.()
  }

  async #enter(): Promise<void> {
    if (this.#isOver) return
    const unlock = await this.#log.lock()
    if (this.#isOver) unlock()
    else this.#unlock = unlock
  }
}

interface Watching {
  readonly process: SimulatedProcess
  readonly gate: Gate
  readonly writing: Writing
}

/** A transaction of which every statement is a step of its process, and is noted. */
function watched(tx: StoreTransaction, { process, gate, writing }: Watching): StoreTransaction {
  const statement = async <Result>(name: string, run: () => Promise<Result>): Promise<Result> => {
    await process.enter(`tx.${name}`)
    await gate.enter()
    const result = await run()
    await process.leave(`tx.${name}`)
    return result
  }
  return changeTransaction(tx, {
    append: (appends, options) =>
      statement('append', async () => {
        const results = await tx.append(appends, options)
        writing.effects.push(...effectsIn(appends))
        return results
      }),
    readStream: (stream, options) =>
      readerOf(async function* pages() {
        await statement('readStream', async () => undefined)
        yield* tx.readStream(stream, options).pages()
      }),
    progress: (change) =>
      statement('progress', async () => {
        await tx.progress(change)
        writing.progress.push(change)
      }),
    park: (events) =>
      statement('park', async () => {
        await tx.park(events)
        writing.parked.push(...events)
      }),
    putOperations: (operations) =>
      statement('putOperations', async () => {
        await tx.putOperations(operations)
        writing.operations.push(...operations)
      }),
    setTimers: (timers) => statement('setTimers', () => tx.setTimers(timers)),
    cancelTimer: (timerId) => statement('cancelTimer', () => tx.cancelTimer(timerId)),
    fireTimer: (timerId, fired) => statement('fireTimer', () => tx.fireTimer(timerId, fired)),
    once: (consumer, messageId) => statement('once', () => tx.once(consumer, messageId)),
  })
}

function effectsIn(appends: readonly StreamAppend[]): number[] {
  return appends
    .flatMap(({ events }) => events)
    .filter(({ envelope }) => envelope.eventType === EFFECT)
    .map(({ envelope }) => (envelope.payload as { readonly n: number }).n)
}
