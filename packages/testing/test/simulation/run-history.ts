import type { ParkedKey, Store } from 'tidings'
import type { JournalLine } from './journal.ts'
import type { EventList, Generation } from './ledger.ts'
import { recordsOf } from './oracles.ts'
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
    const { oracles } = this.#world
    if (oracles.shards !== this.#shards) return `it has ${oracles.shards} shards still`
    const records = recordsOf(this.#shards)
    for (const record of records) {
      const why = await this.#whyNoRestOf(record)
      if (why !== undefined) return `${record}: ${why}`
    }
    const generation = oracles.layouts.get(this.#shards)?.generation ?? 0
    const keys = await store.parked.keys(SUBSCRIPTION, generation)
    const runnable = keys.find(mayRun)
    if (runnable !== undefined) return `key ${runnable.key} has an event that may run`
    return this.#whyUnequal(records.map((record) => oracles.ownerOf(record)))
  }

  async #whyNoRestOf(name: string): Promise<string | undefined> {
    const { store } = this.#world.log
    const record = await store.subscriptions.find(name)
    if (record === undefined) return 'nobody ever owned it'
    const head = await store.head()
    if (record.position < head) return `the mark is at ${record.position} of ${head}`
    const lease = await store.leases.find(name)
    const isOwned = this.#world.slots.some(({ running }) => running === lease?.owner)
    if (lease === undefined || !isOwned) return 'nobody owns it'
    if (record.state !== 'live') return `it is ${record.state}: ${record.reason}`
    return undefined
  }

  /** Shards are shared by all who are there, one more or less. */
  #whyUnequal(owners: readonly string[]): string | undefined {
    if (owners.length === 1) return undefined
    const counts = this.#world.slots.map(
      ({ running }) => owners.filter((owner) => owner === running).length,
    )
    if (Math.max(...counts) - Math.min(...counts) <= 1) return undefined
    return `its shards are shared as ${counts.join(', ')}`
  }

  /** In which all processes run in the end. */
  get #shards(): number {
    return this.#world.slots[0]?.shards ?? 1
  }

  /** A person looks after it: resumes what is paused, makes room, mends what fails for ever. */
  async #help(): Promise<void> {
    const { store } = this.#world.log
    for (const slot of this.#world.slots) if (slot.isBehind) slot.restart(0)
    const [open] = await store.operations.list({ states: ['requested', 'running'] })
    const all = await Promise.all(
      recordsOf(this.#shards).map((name) => store.subscriptions.find(name)),
    )
    const records = all.filter((record) => record !== undefined)
    this.#mendWhatLasts(records.some(({ state }) => state === 'outage') || open !== undefined)
    if (this.#world.oracles.shards !== this.#shards) return this.#changeShards()
    if (open !== undefined) return
    const paused = records.filter((record) => record.paused)
    if (paused.length === 0) return
    if (paused.some(({ reason }) => reason.includes('are parked'))) await this.#makeRoom()
    return this.#ask('resume', {})
  }

  /** The reset that was asked for may have been carried out by those who were to be replaced. */
  async #changeShards(): Promise<void> {
    if (this.#world.slots.some(({ isBehind }) => isBehind)) return
    const open = await this.#world.log.store.operations.list({ states: ['requested', 'running'] })
    if (open.some(({ kind }) => kind === 'reset')) return
    const head = await this.#world.log.store.head()
    return this.#ask('reset', { position: Math.floor(head / 2) })
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
    const { oracles } = this.#world
    const layout = oracles.layouts.get(this.#shards)
    const found = recordsOf(this.#shards).map((record) => oracles.of(record))
    for (const { generation, events } of found) {
      if (generation.number !== layout?.generation || generation.startAt !== layout.startAt) {
        throw new Violation(
          'shards',
          `one begins at ${generation.startAt} of generation ${generation.number}, and all at ${layout?.startAt} of ${layout?.generation}`,
        )
      }
      this.#requireAllDone(generation, events)
    }
    await this.#requireSameRows(found.map(({ generation }) => generation))
  }

  #requireAllDone(generation: Generation, events: EventList): void {
    const { isMended, plan } = this.#world
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
  }

  /** What the log holds is what was seen to be written. */
  async #requireSameRows(shards: readonly Generation[]): Promise<void> {
    const { parked } = this.#world.log.store
    const written = shards.flatMap(({ rows }) => [...rows.values()])
    const generation = shards[0]?.number
    const rows = await parked.list({ subscription: SUBSCRIPTION, generation })
    for (const row of rows) {
      const seen = written.find(({ parkedId }) => parkedId === row.parkedId)
      if (seen?.state !== row.state)
        throw new Violation(
          'parked',
          `${row.parkedId} is ${row.state}, and was written as ${seen?.state}`,
        )
    }
    if (rows.length !== written.length) {
      throw new Violation('parked', `${rows.length} events are parked; ${written.length} were`)
    }
  }

  async #close(): Promise<void> {
    const { slots, time, log } = this.#world
    let left = slots.length
    for (const slot of slots) void slot.close().then(() => left--)
    const isClosed = await time.run(() => left === 0 || isBroken(this.#world), time.nowMs + 60_000)
    if (!isClosed) throw new Violation('rest', 'an application does not close')
    for (const name of recordsOf(this.#shards)) {
      const record = await log.store.subscriptions.find(name)
      if (record?.released === true && record.state === 'stopped') continue
      throw new Violation(
        'rest',
        `all have stopped, and ${name} is ${record?.state}, released: ${record?.released}`,
      )
    }
  }
}

function mayRun({ head }: ParkedKey): boolean {
  return head.state === 'redriving' || head.reason === 'behind' || head.dueAt !== undefined
}
