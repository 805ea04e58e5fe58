import type { ParkedKey, Store } from 'tidings'
import type { JournalLine } from './journal.ts'
import type { HistoryPlan } from './plan-types.ts'
import { SUBSCRIPTION } from './process-store.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

/** What a history came to. */
export interface HistoryOutcome {
  readonly plan: HistoryPlan
  readonly violation: Violation | undefined
  readonly lines: readonly JournalLine[]
  readonly happenings: ReadonlySet<string>
  readonly states: ReadonlySet<string>
  readonly deaths: readonly string[]
  readonly virtualMs: number
}

/** By then everything has come to rest after the last fault, milliseconds. */
const REST_LIMIT_MS = 240_000
/** An event of a version that nobody knows waits for ten minutes. */
const REST_LIMIT_ROLLING_MS = 1_500_000
const LOOK_MS = 100
/** How long nothing may work until somebody mends it. */
const PATIENCE_MS = 8000

/** Plays a history to its end, or to the first promise that is broken. */
export async function runHistory(
  plan: HistoryPlan,
  /** Puts something in front of the store of each process. */
  givesStore: (store: Store) => Store = (store) => store,
): Promise<HistoryOutcome> {
  const world = new World(plan, givesStore)
  const startMs = world.time.nowMs
  await world.begin()
  try {
    await world.time.run(() => isBroken(world), startMs + plan.calmMs)
    if (!isBroken(world)) await new Ending(world).run()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    world.violate(error)
  }
  const { violation, journal, happenings, states, deaths, time } = world
  const virtualMs = time.nowMs - startMs
  return { plan, violation, lines: journal.lines, happenings, states, deaths, virtualMs }
}

function isBroken({ violation }: World): boolean {
  return violation !== undefined
}

/** From the last fault to the end: everything comes to rest, and then nothing is missing. */
class Ending {
  readonly #world: World
  readonly #limitMs: number
  #troubleSinceMs: number | undefined

  constructor(world: World) {
    this.#world = world
    const isRolling = world.plan.processes.some(({ knows }) => knows === 1)
    this.#limitMs = isRolling ? REST_LIMIT_ROLLING_MS : REST_LIMIT_MS
  }

  async run(): Promise<void> {
    const { plan } = this.#world
    if (!(await this.#rest())) return
    if (plan.mends) {
      this.#world.isMended = true
      await this.#ask('redrive', { filter: {}, force: true })
      if (!(await this.#rest())) return
    }
    await this.#requireComplete()
    await this.#close()
  }

  /** @returns false when a promise was broken meanwhile */
  async #rest(): Promise<boolean> {
    const { time } = this.#world
    const untilMs = time.nowMs + this.#limitMs
    while (!isBroken(this.#world)) {
      await time.run(() => isBroken(this.#world), time.nowMs + LOOK_MS)
      const why = await this.#whyNoRest()
      if (why === undefined) return true
      await this.#help()
      if (time.nowMs > untilMs) throw new Violation('rest', `it does not come to rest: ${why}`)
    }
    return false
  }

  /** What is still to come. */
  async #whyNoRest(): Promise<string | undefined> {
    const { store } = this.#world.log
    const [open] = await store.operations.list({ states: ['requested', 'running'] })
    if (open !== undefined) return `${open.kind} is ${open.state}`
    const record = await store.subscriptions.find(SUBSCRIPTION)
    if (record === undefined) return 'nobody ever owned it'
    const head = await store.head()
    if (record.position < head) return `the mark is at ${record.position} of ${head}`
    const isOwned = this.#world.slots.some(({ app }) =>
      app?.delivery.subscriptions.some(({ handledUpTo }) => handledUpTo !== undefined),
    )
    if (!isOwned) return 'nobody owns it'
    if (record.state !== 'live') return `it is ${record.state}: ${record.reason}`
    const keys = await store.parked.keys(SUBSCRIPTION, record.generation)
    const runnable = keys.find(mayRun)
    return runnable && `key ${runnable.key} has an event that may run`
  }

  /** A person looks after it: resumes what is paused, makes room, mends what fails for ever. */
  async #help(): Promise<void> {
    const { store } = this.#world.log
    const [open] = await store.operations.list({ states: ['requested', 'running'] })
    const record = await store.subscriptions.find(SUBSCRIPTION)
    if (record === undefined) return
    this.#mendWhatLasts(record.state === 'outage' || open !== undefined)
    if (open !== undefined || !record.paused) return
    if (record.reason.includes('are parked')) await this.#makeRoom()
    return this.#ask('resume', {})
  }

  /** An operation cannot end either while nothing succeeds. */
  #mendWhatLasts(isTrouble: boolean): void {
    const { nowMs } = this.#world.time
    if (!isTrouble) this.#troubleSinceMs = undefined
    else this.#troubleSinceMs ??= nowMs
    const sinceMs = nowMs - (this.#troubleSinceMs ?? nowMs)
    if (sinceMs > PATIENCE_MS) this.#world.isMended = true
  }

  async #makeRoom(): Promise<void> {
    if (!this.#world.plan.mends) return this.#ask('discard', { filter: {} })
    this.#world.isMended = true
    return this.#ask('redrive', { filter: {}, force: true })
  }

  /** A request waits for the log, and the log for its time. */
  async #ask(...request: Parameters<World['request']>): Promise<void> {
    let isStored = false
    void this.#world.request(...request).then(() => (isStored = true))
    await this.#world.time.run(() => isStored || isBroken(this.#world), Number.POSITIVE_INFINITY)
  }

  async #requireComplete(): Promise<void> {
    const { oracle, isMended, plan } = this.#world
    const { generation, events } = oracle
    for (const { n, position } of events.between(generation.startAt, Number.POSITIVE_INFINITY)) {
      const fate = generation.fates.get(n)
      if (fate === undefined)
        throw new Violation('lost', `nothing became of event ${n} at position ${position}`)
      const isUnfinished = fate === 'parked' && isMended && plan.mends
      if (isUnfinished)
        throw new Violation('lost', `event ${n} is parked, and was redriven when all was mended`)
      const effects = generation.effects.get(n) ?? 0
      const expected = plan.subscription.mode.endsWith('plain') || fate !== 'handled' ? 0 : 1
      if (effects !== expected) {
        throw new Violation('once', `event ${n} is ${fate}, and has ${effects} effects`)
      }
    }
    await this.#requireSameRows()
  }

  /** What the log holds is what was seen to be written. */
  async #requireSameRows(): Promise<void> {
    const { generation } = this.#world.oracle
    const { parked } = this.#world.log.store
    const rows = await parked.list({ subscription: SUBSCRIPTION, generation: generation.number })
    for (const row of rows) {
      const seen = [...generation.rows.values()].find(({ parkedId }) => parkedId === row.parkedId)
      if (seen?.state !== row.state)
        throw new Violation(
          'parked',
          `${row.parkedId} is ${row.state}, and was written as ${seen?.state}`,
        )
    }
    if (rows.length !== generation.rows.size) {
      throw new Violation(
        'parked',
        `${rows.length} events are parked; ${generation.rows.size} were`,
      )
    }
  }

  async #close(): Promise<void> {
    const { slots, time, log } = this.#world
    let left = slots.length
    for (const slot of slots) void slot.close().then(() => left--)
    const isClosed = await time.run(() => left === 0 || isBroken(this.#world), time.nowMs + 60_000)
    if (!isClosed) throw new Violation('rest', 'an application does not close')
    const record = await log.store.subscriptions.find(SUBSCRIPTION)
    if (record?.released !== true || record.state !== 'stopped') {
      throw new Violation(
        'rest',
        `all have stopped, and it is ${record?.state}, released: ${record?.released}`,
      )
    }
  }
}

function mayRun({ head }: ParkedKey): boolean {
  return head.state === 'redriving' || head.reason === 'behind' || head.dueAt !== undefined
}
