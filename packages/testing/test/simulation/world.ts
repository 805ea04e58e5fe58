import { bootstrap, defineModule, type App, type Committed, type OperationRecord } from 'tidings'
import { seededIds, seededRandom, type SeededRandom } from '../../src/fakes/seeded.ts'
import { Effect, ORDER_AGGREGATE, OrderV1, OrderV2, type OrderPayload } from './contracts.ts'
import type { HandlerWorld } from './handlers.ts'
import { Journal, type Entry } from './journal.ts'
import { makeRequest } from './operations.ts'
import { Oracles } from './oracles.ts'
import type { Behaviour, HistoryPlan, PlannedEvent, PlannedFault } from './plan-types.ts'
import { SUBSCRIPTION } from './process-store.ts'
import { ProcessSlot, type SlotWorld } from './process-slot.ts'
import { SharedLog } from './shared-log.ts'
import { Violation } from './violation.ts'
import { VirtualTime } from './virtual-time.ts'

/** What can happen in a history, as it is counted. */
export type Happening =
  | 'dies'
  | 'lease-lost'
  | 'store-busy'
  | 'clock-skew'
  | 'clock-steps-back'
  | 'nothing-works'
  | 'restarts'
  | 'answers-lost'
  | 'shards'
  | 'shards-change'
  | 'competition'
  | 'operation'
  | 'throws'
  | 'hangs'
  | 'slow'
  | 'writes-late'
  | 'kills'
  | 'skip'
  | 'park'
  | 'stop'

const START_MS = Date.UTC(2026, 0, 1)
const RIGHT: Behaviour = { kind: 'right' }

/** Everything that one history consists of, and its faults. */
export class World implements SlotWorld, HandlerWorld {
  readonly plan: HistoryPlan
  readonly givesStore: SlotWorld['givesStore']
  readonly time: VirtualTime
  readonly journal: Journal
  readonly oracles: Oracles
  readonly log: SharedLog
  readonly random: SeededRandom
  readonly slots: readonly ProcessSlot[]
  readonly happenings: Set<string> = new Set()
  readonly states: Set<string> = new Set()
  /** Steps at which processes died. */
  readonly deaths: string[] = []
  violation: Violation | undefined
  isCalm = false
  /** Handlers do everything right from here on. */
  isMended = false
  readonly #ids = seededIds(1)
  readonly #left = new Map<number, { readonly behaviour: Behaviour; times: number }>()
  #producer: App | undefined
  #runs = 0
  #isNothingWorking = false
  #busy = new Map<number | 'all', number>()
  readonly #cut = new Map<number, number>()

  constructor(plan: HistoryPlan, givesStore: SlotWorld['givesStore']) {
    this.plan = plan
    this.givesStore = givesStore
    this.random = seededRandom(plan.seed ^ 0x5eed)
    this.time = new VirtualTime(START_MS)
    this.oracles = new Oracles(plan)
    this.journal = new Journal(
      () => this.time.nowMs - START_MS,
      (entry) => this.#see(entry),
    )
    this.log = new SharedLog(this.time, this.journal)
    this.log.store.onCommitted((committed) => this.#noteAppended(committed))
    this.slots = plan.processes.map((shape, index) => new ProcessSlot(this, shape, index))
    for (const { n, behaviour } of plan.events) {
      const times = 'times' in behaviour ? behaviour.times : 1
      this.#left.set(n, { behaviour, times })
    }
    if (plan.processes.length > 1) this.happened('competition')
    if (plan.shards > 1) this.happened('shards')
    if (plan.processes.some(({ skewMs }) => skewMs !== 0)) this.happened('clock-skew')
  }

  async begin(): Promise<void> {
    this.#producer = await bootstrap({
      store: this.log.store,
      modules: [defineModule('orders', [OrderV2, Effect])],
      delivery: { run: false, owner: 'producer' },
      clock: { now: () => this.time.nowMs, sleep: (delayMs) => this.time.sleep(delayMs) },
      ids: this.#ids,
    })
    for (const event of this.plan.events) this.#at(event.atMs, () => void this.#append(event))
    for (const slot of this.slots) this.#at(slot.shape.startMs, () => slot.boot())
    for (const fault of this.plan.faults) this.#at(fault.atMs, () => this.#strike(fault))
    this.#at(this.plan.calmMs, () => this.#calm())
  }

  /** Takes note of the first promise that is broken. */
  violate(violation: Violation): void {
    this.violation ??= violation
  }

  happened(what: Happening | `operation ${string}`): void {
    this.happenings.add(what)
  }

  newRun(): number {
    return ++this.#runs
  }

  next(n: number): Behaviour {
    if (this.isMended) return RIGHT
    if (this.#isNothingWorking) {
      this.happened('nothing-works')
      return { kind: 'throws', times: 1 }
    }
    const left = this.#left.get(n)
    if (left === undefined || left.times <= 0) return RIGHT
    left.times--
    return left.behaviour
  }

  isStoreBusy(index: number): boolean {
    if (this.isCalm) return false
    const untilMs = Math.max(this.#busy.get(index) ?? 0, this.#busy.get('all') ?? 0)
    // Some get through.
    return untilMs > this.time.nowMs && this.random.below(4) > 0
  }

  isAnswerLost(index: number): boolean {
    if (this.isCalm || (this.#cut.get(index) ?? 0) <= this.time.nowMs) return false
    const isLost = this.random.below(3) === 0
    if (isLost) this.happened('answers-lost')
    return isLost
  }

  /** Stores what a person or program asks of the subscription. */
  async request(kind: OperationRecord['kind'], request: OperationRecord['request']): Promise<void> {
    const operation = makeRequest(this.#ids.newId(this.time.nowMs), kind, {
      request,
      nowMs: this.time.nowMs,
    })
    await this.log.write(
      () => this.log.store.operations.request(operation),
      () => this.journal.write({ kind: 'requested', operation }),
    )
  }

  #see(entry: Entry): void {
    if (entry.kind === 'state') this.states.add(entry.to)
    if (entry.kind === 'claimed') this.#noteTakeover(entry.subscription, entry.process)
    if (this.violation !== undefined) return
    try {
      this.oracles.see(entry)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.violate(error)
    }
  }

  #noteTakeover(record: string, by: string): void {
    const owner = this.oracles.ownerOf(record)
    if (owner === by) return
    if (this.slots.some((slot) => slot.isRunning(owner))) this.happened('lease-lost')
  }

  #at(afterMs: number, what: () => void): void {
    this.time.at(START_MS + afterMs, what)
  }

  async #append({ n, key, version }: PlannedEvent): Promise<void> {
    const definition = version === 1 ? OrderV1 : OrderV2
    await this.log.write(
      () =>
        this.#producer!.store.append({
          aggregateType: ORDER_AGGREGATE,
          aggregateId: key,
          events: definition({ n, key }),
        }),
      // Noted at its commit.
      () => undefined,
    )
  }

  /** A handler may have it before whoever appended it hears that it is there. */
  #noteAppended({ events }: Committed): void {
    for (const { aggregateType, eventId, position, payload } of events()) {
      if (aggregateType !== ORDER_AGGREGATE) continue
      this.journal.write({ kind: 'appended', eventId, position, ...(payload as OrderPayload) })
    }
  }

  #strike(fault: PlannedFault): void {
    switch (fault.kind) {
      case 'dies':
        return this.slots[fault.process]?.dieIn(fault.steps, fault.backMs)
      case 'freezes':
        return this.slots[fault.process]?.freezeFor(fault.forMs)
      case 'restarts':
        return this.slots[fault.process]?.restart(fault.backMs)
      case 'clock-steps':
        if (fault.byMs < 0) this.happened('clock-steps-back')
        return this.slots[fault.process]?.stepClock(fault.byMs)
      case 'store-busy':
        this.#busy.set(fault.process, this.time.nowMs + fault.forMs)
        return
      case 'answers-lost':
        this.#cut.set(fault.process, this.time.nowMs + fault.forMs)
        return
      case 'nothing-works':
        this.#isNothingWorking = true
        this.time.after(fault.forMs, () => (this.#isNothingWorking = false))
        return
      case 'shards-change':
        return this.#changeShards(fault)
      case 'operation':
        return void this.#operate(fault)
    }
  }

  /** Half of the processes may run in the number before, for a while: what a deployment looks like. */
  #changeShards({ shards, backMs, draw }: Extract<PlannedFault, { kind: 'shards-change' }>): void {
    this.happened('shards-change')
    for (const [index, slot] of this.slots.entries()) {
      slot.shards = shards
      this.time.after(index * backMs, () => this.isCalm || slot.restart(backMs))
    }
    this.time.after(4 * backMs, () => void this.requestReset(draw))
  }

  /** @param draw how far in the log: 0 up to 1 */
  async requestReset(draw: number): Promise<void> {
    await this.request('reset', { position: Math.floor(draw * (await this.log.store.head())) })
  }

  async #operate({ choice, draw }: Extract<PlannedFault, { kind: 'operation' }>): Promise<void> {
    this.happened('operation')
    this.happened(`operation ${choice}`)
    if (choice === 'cancel') return this.#cancel()
    const requests = {
      pause: {},
      resume: {},
      redrive: { filter: {}, ...(draw < 0.4 ? { rate: 20 } : {}), force: draw > 0.7 },
      discard: { filter: draw < 0.5 ? {} : { reasons: ['failed'] } },
      reset: { position: Math.floor(draw * (await this.log.store.head())) },
    }
    await this.request(choice, requests[choice])
  }

  async #cancel(): Promise<void> {
    const { operations } = this.log.store
    const open = await operations.list({ states: ['requested', 'running'] })
    // Those that processes ask of shards are none of theirs.
    const last = open.findLast(({ subscription }) => subscription === SUBSCRIPTION)
    if (last === undefined) return
    await this.log.write(
      () => operations.cancel(last.operationId, 'somebody', 'changed their mind'),
      (operation) => {
        if (operation !== undefined) this.journal.write({ kind: 'requested', operation })
      },
    )
  }

  #calm(): void {
    this.journal.write({ kind: 'world', what: 'from here on nothing new goes wrong' })
    this.isCalm = true
    this.#isNothingWorking = false
    for (const slot of this.slots) slot.calm()
  }
}
