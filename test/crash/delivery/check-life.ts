import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { SqlTransaction, Store, StoredEnvelope } from 'tidings'
import { openLog } from './log-place.ts'
import { Added, Booked, Job, JobFinished, Reminded, type Effect } from './modules.ts'
import { hasJob, hasReminder } from './plan-life.ts'

/** What a life left, and what is known of it from outside. */
export interface Remains {
  /** Where the log lies. */
  readonly log: string
  readonly published: string
  /** By key the number of the last command that was acknowledged. */
  readonly acknowledged: ReadonlyMap<string, number>
  readonly kills: number
  /** The processes that shared the shards and did nothing else. */
  readonly neighbours: readonly number[]
}

export interface LifeReport {
  readonly events: number
  readonly effects: number
  readonly byNeighbours: number
  readonly published: number
  /** Records that came more than once: sent, and not noted when the process died. */
  readonly repeated: number
  readonly letters: number
  readonly discarded: number
  readonly redrives: number
  readonly timers: number
  readonly tasks: number
}

interface Step {
  readonly key: string
  readonly n: number
}

type LifeStore = Store<SqlTransaction>
type Steps = ReadonlyMap<string, readonly number[]>

/** A relay's batch, times two since some keys may be sent singly after a failure. */
const MOST_REPEATED_PER_KILL = 20

/**
 * Holds what is in the tables, the published file and the log against each other, by counting.
 *
 * @throws {AssertionError} something is missing, double, or out of its order
 */
export async function checkLife(remains: Remains): Promise<LifeReport> {
  await using store = await openLog(remains.log)
  assert.deepEqual(await Array.fromAsync(store.catalog.verify()), [], 'verify finds nothing')
  const log = await store.readAll().toArray()
  const added = stepsOf(log, Added.type)
  checkAdded(added, remains.acknowledged)
  const discarded = await checkParked(store)
  const { effects, byNeighbours } = await checkEffects(store, { added, discarded, ...remains })
  checkFacts(log, added)
  const timers = await checkTimers(store, log)
  await checkProgress(store)
  const { published, repeated } = await checkPublished(remains, log)
  const operations = await store.operations.list({}, { limit: 100_000 })
  return {
    events: log.length,
    effects,
    byNeighbours,
    published,
    repeated,
    letters: await store.parked.count({}),
    discarded: discarded.length,
    redrives: operations.filter(({ kind }) => kind === 'redrive').length,
    timers,
    tasks: log.filter(({ eventType }) => eventType === Job.type).length,
  }
}

/** Numbers by key, in the order of the log. */
function stepsOf(log: readonly StoredEnvelope[], type: string): Steps {
  const steps = log
    .filter(({ eventType }) => eventType === type)
    .map(({ payload }) => payload as Step)
  return byKey(steps)
}

function byKey(steps: readonly Step[]): Steps {
  const grouped = Map.groupBy(steps, ({ key }) => key)
  return new Map([...grouped].map(([key, all]) => [key, all.map(({ n }) => n)]))
}

/** Each command once, in order, and none missing that was acknowledged. */
function checkAdded(added: Steps, acknowledged: ReadonlyMap<string, number>): void {
  for (const [key, numbers] of added) {
    const counted = numbers.map((_, index) => index + 1)
    assert.deepEqual(numbers, counted, `the events of key ${key} count from 1`)
  }
  for (const [key, last] of acknowledged) {
    const there = added.get(key)?.length ?? 0
    assert.ok(there >= last, `command ${last} of key ${key} was acknowledged; ${there} are there`)
  }
}

/** @returns the events of 'flaky' that were set aside for good */
async function checkParked(store: LifeStore): Promise<readonly StoredEnvelope[]> {
  const unfinished = await store.parked.count({ states: ['parked', 'redriving'] })
  assert.equal(unfinished, 0, 'every parked event is accounted for')
  const open = await store.operations.list({ states: ['requested', 'running', 'failed'] })
  assert.deepEqual(open, [], 'every operation has ended well')
  const discarded = await store.parked.list({ states: ['discarded'] }, { limit: 100_000 })
  const events: StoredEnvelope[] = []
  for (const { subscription, eventId, history } of discarded) {
    assert.equal(subscription, 'flaky', 'only its events were ever discarded')
    assert.equal(history.at(-1)?.reason, 'not needed', 'and it is kept why')
    const event = await store.findEvent(eventId)
    assert.ok(event, 'a discarded event stays in the log')
    events.push(event)
  }
  return events
}

interface KnownOfEffects extends Pick<Remains, 'neighbours'> {
  readonly added: Steps
  readonly discarded: readonly StoredEnvelope[]
}

/** Own rows: one for each event, in order within a key; none for what was discarded. */
async function checkEffects(
  store: LifeStore,
  { added, discarded, neighbours }: KnownOfEffects,
): Promise<Pick<LifeReport, 'effects' | 'byNeighbours'>> {
  const rows = await store.transaction(
    (tx) =>
      tx.sql<Step & { effect: Effect; process: number }>`
        select effect, key, n, process from crash_effects order by id`,
  )
  const gone = byKey(discarded.map(({ payload }) => payload as Step))
  const wanted: Record<Effect, (n: number, key: string) => boolean> = {
    added: () => true,
    rows: () => true,
    grouped: () => true,
    sharded: () => true,
    booked: () => true,
    flaky: (n, key) => gone.get(key)?.includes(n) !== true,
    reminded: hasReminder,
    job: hasJob,
  }
  for (const effect of Object.keys(wanted) as Effect[]) {
    const found = byKey(rows.filter((row) => row.effect === effect))
    // Timers and tasks are each on their own: they have no order among themselves.
    const isOrdered = effect !== 'reminded' && effect !== 'job'
    for (const [key, numbers] of added) {
      const all = found.get(key) ?? []
      const inOrder = isOrdered ? all : all.toSorted((a, b) => a - b)
      const due = numbers.filter((n) => wanted[effect](n, key))
      assert.deepEqual(inOrder, due, `'${effect}' of key ${key}: each once, in order`)
    }
    assert.ok(
      [...found.keys()].every((key) => added.has(key)),
      `'${effect}' has no other key`,
    )
  }
  const ofNeighbours = rows.filter((row) => neighbours.includes(row.process))
  const others = ofNeighbours.filter(({ effect }) => effect !== 'sharded')
  assert.deepEqual(others, [], 'a neighbour does nothing but its share of the shards')
  return { effects: rows.length, byNeighbours: ofNeighbours.length }
}

/** What commands, timers and tasks have recorded: each fact once. */
function checkFacts(log: readonly StoredEnvelope[], added: Steps): void {
  const types = [
    [Booked.type, () => true],
    [Reminded.type, hasReminder],
    [JobFinished.type, hasJob],
    [Job.type, hasJob],
  ] as const
  for (const [type, has] of types) {
    const found = stepsOf(log, type)
    for (const [key, numbers] of added) {
      const sorted = (found.get(key) ?? []).toSorted((a, b) => a - b)
      assert.deepEqual(sorted, numbers.filter(has), `${type} of key ${key}: each once`)
    }
  }
}

/** Each timer fired, none early, and its command was sent once. */
async function checkTimers(store: LifeStore, log: readonly StoredEnvelope[]): Promise<number> {
  const timers = await store.timers.list({ limit: 1_000_000 })
  const states = new Set(timers.map(({ state }) => state))
  assert.deepEqual([...states], timers.length === 0 ? [] : ['fired'], 'each timer has fired')
  const dueAt = new Map(timers.map(({ input, dueAt: due }) => [JSON.stringify(input), due]))
  const reminded = log.filter(({ eventType }) => eventType === Reminded.type)
  assert.equal(reminded.length, timers.length, 'one command a timer')
  for (const { payload, timestamp } of reminded) {
    const due = dueAt.get(JSON.stringify(payload)) ?? Number.NaN
    assert.ok(Date.parse(timestamp) >= due, `a timer fired early: ${timestamp}`)
  }
  return timers.length
}

/** Everything behind every mark is done, and no mark is left behind. */
async function checkProgress(store: LifeStore): Promise<void> {
  const all = await store.subscriptions.list()
  for (const { name, released, state } of all) {
    // Where the shards of a subscription begin is nobody's to run.
    if (/#\d+$/.test(name)) continue
    assert.deepEqual({ name, released, state }, { name, released: true, state: 'stopped' })
    assert.equal(await store.subscriptions.countAhead(name), 0, `${name}: nothing is left ahead`)
  }
}

/** Deduplicated by event id, the published file says what the log says, in order per key. */
async function checkPublished(
  { published: file, kills }: Remains,
  log: readonly StoredEnvelope[],
): Promise<{ readonly published: number; readonly repeated: number }> {
  const seen = new Set<string>()
  const ids = new Map<string, string[]>()
  let lines = 0
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const record = parseLine(line)
    if (record === undefined) continue
    lines++
    const { key, event } = record
    if (seen.has(event.event_id)) continue
    seen.add(event.event_id)
    const ofKey = ids.get(key)
    if (ofKey === undefined) ids.set(key, [event.event_id])
    else ofKey.push(event.event_id)
  }
  const sent = log.filter(({ topic }) => topic !== undefined)
  const wanted = Map.groupBy(sent, (event) => event.key ?? event.aggregateId)
  assert.equal(seen.size, sent.length, 'every event that has a topic was published')
  for (const [key, events] of wanted) {
    const order = events.map(({ eventId }) => eventId)
    assert.deepEqual(ids.get(key), order, `what was published under key ${key}, in order`)
  }
  const repeated = lines - seen.size
  const most = (kills + 1) * MOST_REPEATED_PER_KILL
  assert.ok(repeated <= most, `${repeated} records came twice; no more than ${most} were under way`)
  return { published: seen.size, repeated }
}

/** @returns undefined for a line that was cut when its process died */
function parseLine(
  line: string,
): { readonly key: string; readonly event: { readonly event_id: string } } | undefined {
  try {
    return JSON.parse(line) as ReturnType<typeof parseLine>
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}
