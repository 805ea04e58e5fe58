import {
  bootstrap,
  defineModule,
  isTidingsError,
  StoreError,
  type App,
  type Failure,
  type Store,
} from 'tidings'
import { seededIds, type SeededRandom } from '../../src/fakes/seeded.ts'
import { Effect, OrderV1, OrderV2 } from './contracts.ts'
import { makeSubscription, type HandlerWorld } from './handlers.ts'
import type { HistoryPlan, ProcessShape } from './plan-types.ts'
import { SimulatedProcess } from './process.ts'
import { ProcessStore } from './process-store.ts'
import type { SharedLog } from './shared-log.ts'
import { Violation } from './violation.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface SlotWorld extends HandlerWorld {
  readonly plan: HistoryPlan
  readonly time: VirtualTime
  readonly log: SharedLog
  readonly random: SeededRandom
  readonly deaths: string[]
  readonly states: Set<string>
  readonly isCalm: boolean
  /** The store as the application gets it. */
  readonly givesStore: (store: Store) => Store
  readonly isStoreBusy: (index: number) => boolean
  readonly isAnswerLost: (index: number) => boolean
  readonly happened: HandlerWorld['happened'] & ((what: 'dies' | 'store-busy' | 'restarts') => void)
  violate(violation: Violation): void
}

/** A place where one process after the other runs: what ends is begun again. */
export class ProcessSlot {
  readonly shape: ProcessShape
  /** What the next process that runs here divides the keys into. */
  shards: number
  readonly #world: SlotWorld
  readonly #index: number
  #process: SimulatedProcess | undefined
  #app: App | undefined
  #isClosing = false
  #times = 0
  #backMs = 0
  #shardsNow = 0

  constructor(world: SlotWorld, shape: ProcessShape, index: number) {
    this.#world = world
    this.shape = shape
    this.shards = world.plan.shards
    this.#index = index
  }

  get app(): App | undefined {
    return this.#app
  }

  /** Whether it has yet to be begun again with another number of shards. */
  get isBehind(): boolean {
    return this.#process !== undefined && this.#shardsNow !== this.shards
  }

  /** The process that runs here, if one is ready. */
  get running(): string | undefined {
    return this.#app === undefined || this.#isClosing ? undefined : this.#process?.name
  }

  /** Whether this process is neither dead nor on its way to its end. */
  isRunning(name: string): boolean {
    return this.#process?.name === name && !this.#isClosing
  }

  boot(): void {
    if (this.#process !== undefined) return
    const { plan, time, random } = this.#world
    const process = new SimulatedProcess({
      name: `p${this.#index + 1}.${++this.#times}`,
      time,
      random,
      latencyMs: plan.latencyMs,
      skewMs: this.shape.skewMs,
      isStoreBusy: () => this.#world.isStoreBusy(this.#index),
      isAnswerLost: () => this.#world.isAnswerLost(this.#index),
      onDeath: (dead, step) => this.#died(dead, step),
      onBusy: () => this.#world.happened('store-busy'),
    })
    this.#process = process
    this.#shardsNow = this.shards
    this.#isClosing = false
    this.#note(this.shards === 1 ? 'starts' : `starts with ${this.shards} shards`)
    // It may die before it is ready, and then never answers.
    this.#start(process).catch((error: unknown) =>
      this.#world.violate(
        new Violation('failure', `${process.name} cannot start: ${String(error)}`),
      ),
    )
  }

  dieIn(steps: number, backMs: number): void {
    this.#backMs = backMs
    this.#process?.dieIn(steps)
  }

  freezeFor(forMs: number): void {
    const process = this.#process
    if (process === undefined || process.isFrozen) return
    process.freeze()
    this.#note('freezes')
    const { log, plan, time } = this.#world
    time.after(plan.idleMs, () => {
      if (process.isFrozen) log.endTransactionsOf(process, idle())
    })
    time.after(forMs, () => this.#thaw(process))
  }

  restart(backMs: number): void {
    if (this.#app === undefined || this.#isClosing || this.#process?.isFrozen === true) return
    this.#world.happened('restarts')
    void this.close().then(() => this.#world.time.after(backMs, () => this.boot()))
  }

  /** Closes the application in good order. Never answers when it dies meanwhile. */
  async close(): Promise<void> {
    const process = this.#process
    this.#isClosing = true
    this.#note('closes')
    await this.#app?.close()
    if (process === undefined || process.isDead) return
    this.#note('has closed')
    this.#process = undefined
    this.#app = undefined
  }

  stepClock(byMs: number): void {
    this.#note(`has its clock stepped by ${byMs} ms`)
    this.#process?.stepClock(byMs)
  }

  calm(): void {
    this.#backMs = 100
    if (this.#process === undefined) return this.boot()
    this.#process.lives()
    this.#thaw(this.#process)
  }

  #thaw(process: SimulatedProcess): void {
    if (!process.isFrozen) return
    this.#world.journal.write({ kind: 'process', process: process.name, what: 'goes on' })
    process.thaw()
  }

  #died(process: SimulatedProcess, step: string): void {
    this.#world.happened('dies')
    this.#world.deaths.push(step)
    this.#world.journal.write({ kind: 'process', process: process.name, what: `dies ${step}` })
    this.#world.log.endTransactionsOf(process, new Error('Its process died'))
    if (this.#process !== process) return
    this.#process = undefined
    this.#app = undefined
    this.#world.time.after(this.#backMs, () => this.boot())
  }

  async #start(process: SimulatedProcess): Promise<void> {
    const { plan, log, random } = this.#world
    const { knows } = this.shape
    const subscription = makeSubscription(plan.subscription, process, this.#world, {
      knows,
      shards: this.shards,
    })
    const app = (await bootstrap({
      store: this.#world.givesStore(new ProcessStore(process, log)),
      modules: [defineModule('orders', [knows === 1 ? OrderV1 : OrderV2, Effect, subscription])],
      clock: process.clock,
      ids: seededIds(1000 * (this.#index + 1) + this.#times),
      random: () => random.next(),
      delivery: {
        owner: process.name,
        leaseMs: plan.leaseMs,
        graceMs: plan.graceMs,
        pollMs: plan.pollMs,
      },
      onFailure: (failure) => this.#failed(process, failure),
    })) as unknown as App
    if (process.isDead) return
    this.#app = app
    this.#world.states.add('starting')
    app.observations.subscription.observe(({ from, to, reason }) => {
      if (!process.isDead) this.#changed(process, { from, to, reason })
    })
  }

  #changed(
    { name }: SimulatedProcess,
    { from, to, reason }: { readonly from: string; readonly to: string; readonly reason: string },
  ): void {
    this.#world.journal.write({ kind: 'state', process: name, from, to, reason })
    if (to !== 'failed' || /SimulatedFailure|ShardsChangedError/.test(reason)) return
    this.#world.violate(new Violation('failure', `the subscription fails by itself: ${reason}`))
  }

  /** What the application reports. A store that is busy now and then, or other shards, are no surprise. */
  #failed(process: SimulatedProcess, failure: Failure): void {
    const { error } = failure
    if (
      process.isDead ||
      (isTidingsError(error) && /_STORE_|_FENCED|_SHARDS_CHANGED/.test(error.code))
    )
      return
    const { stack } = error as Error
    this.#world.violate(
      new Violation('failure', `${process.name} reports ${stack ?? String(error)}`),
    )
  }

  #note(what: string): void {
    const process = this.#process?.name ?? `p${this.#index + 1}`
    this.#world.journal.write({ kind: 'process', process, what })
  }
}

function idle(): Error {
  return new StoreError(
    'TIDINGS_STORE_FAILED',
    'simulation',
    'The transaction was idle for too long and is rolled back.',
    { retryable: true },
  )
}
