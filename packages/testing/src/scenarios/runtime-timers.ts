import assert from 'node:assert/strict'
import { defineCommand, defineCommandHandler, type AnyPart, type DeliveryContext } from 'tidings'
import { scenario } from './expectations.ts'
import {
  EffectRecorded,
  openRuntime,
  range,
  recorder,
  type EffectPayload,
  type Order,
  type Process,
  type ProcessOptions,
  type Runtime,
} from './runtime-kit.ts'
import { sampleSchema } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const SendReminder = defineCommand('Sample.Reminder.Send', {
  payload: sampleSchema<EffectPayload>('n'),
})

interface Timing {
  readonly runtime: Runtime
  /** When the command of a timer ran: its number, and milliseconds since the epoch. */
  readonly fired: { readonly n: number; readonly atMs: number }[]
  readonly start: (options?: Partial<ProcessOptions>) => Promise<Process>
  /** Sets a timer for a number, outside of any handler. */
  readonly set: (process: Process, n: number, afterMs: number) => Promise<string>
  /** The numbers of the timers whose command is in the log, in order. */
  readonly recorded: () => Promise<readonly number[]>
}

async function openTiming(harness: StoreHarness): Promise<Timing> {
  const runtime = await openRuntime(harness)
  const fired: { readonly n: number; readonly atMs: number }[] = []
  const handler = defineCommandHandler(SendReminder, async ({ key, n }, ctx) => {
    fired.push({ n, atMs: runtime.clock.now() })
    if (key === 'refused') throw new RangeError('Not to them')
    const events = EffectRecorded({ key, n })
    await ctx.tx.append({ aggregateType: 'Sample.Reminder', aggregateId: key, events })
  })
  const start = ({ parts = [], ...options }: Partial<ProcessOptions> = {}): Promise<Process> =>
    runtime.start({ parts: [handler, ...parts] as AnyPart[], ...options })
  const set = (process: Process, n: number, afterMs: number): Promise<string> =>
    process.app.schedule(SendReminder as never, { key: 'a', n } as never, { after: afterMs })
  const recorded = async (): Promise<readonly number[]> => {
    const events = await runtime.store.readStream('Sample.Reminder/a').toArray()
    return events.map(({ payload }) => (payload as EffectPayload).n)
  }
  return { runtime, fired, start, set, recorded }
}

async function neverEarly(harness: StoreHarness): Promise<void> {
  const { runtime, fired, start, set, recorded } = await openTiming(harness)
  const processes = [await start(), await start()]
  const startMs = runtime.clock.now()
  const delays = [5000, 1, 800, 20_000, 801, 0]
  for (const [n, afterMs] of delays.entries()) await set(processes[n % 2]!, n, afterMs)
  await runtime.until(async () => (await recorded()).length === delays.length, 'that all fire')
  await runtime.clock.advance(10_000)
  assert.equal((await recorded()).length, delays.length, 'each once, whichever process fires it')
  for (const { n, atMs } of fired) {
    const lateMs = atMs - startMs - delays[n]!
    assert.ok(lateMs >= 0, `timer ${n} is not early; it was by ${-lateMs} ms`)
    assert.ok(lateMs <= 2000, `nor late without a reason; it was by ${lateMs} ms`)
  }
}

async function anyStep(harness: StoreHarness): Promise<void> {
  const { runtime, start, set, recorded } = await openTiming(harness)
  const rounds = range(1, 14)
  let deaths = 0
  for (const round of rounds) {
    const setter = await start({ delivery: { run: false } })
    await set(setter, round, 1000)
    await setter.close()
    const hasFired = async (): Promise<boolean> => (await recorded()).length === round
    const mortal = await start({ diesAfter: round + 4 })
    await runtime.until(async () => mortal.isDead || (await hasFired()), 'that it dies, or is done')
    if (mortal.isDead) deaths++
    mortal.die()
    const second = await start()
    await runtime.until(hasFired, 'that the next one fires it')
    await runtime.clock.advance(3000)
    await second.close()
  }
  assert.deepEqual(await recorded(), rounds, 'each once')
  assert.ok(deaths > rounds.length / 2, `it died ${deaths} times on its way`)
}

async function cancelled(harness: StoreHarness): Promise<void> {
  const { runtime, fired, start, set } = await openTiming(harness)
  const process = await start()
  const timerId = await set(process, 1, 5000)
  await set(process, 2, 5000)
  assert.equal(await process.app.cancelTimer(timerId), true)
  assert.equal(await process.app.cancelTimer(timerId), false, 'once is enough')
  await runtime.clock.advance(20_000)
  // On a server it may take longer than the time that was passed over.
  await runtime.until(async () => fired.length > 0, 'the timer that is left')
  await runtime.clock.advance(10_000)
  assert.deepEqual(
    fired.map(({ n }) => n),
    [2],
  )
  assert.equal((await runtime.store.timers.find(timerId))?.state, 'cancelled')
}

async function late(harness: StoreHarness): Promise<void> {
  const { runtime, start, set, recorded } = await openTiming(harness)
  const first = await start({ delivery: { run: false } })
  const timerId = await set(first, 1, 1000)
  await first.close()
  await runtime.clock.advance(3_600_000)
  const second = await start()
  await runtime.until(async () => (await recorded()).length === 1, 'that it fires after all')
  // Noted in a transaction behind that of its command.
  const isNoted = async () => (await runtime.store.timers.find(timerId))?.state === 'fired'
  await runtime.until(isNoted, 'that it is noted')
  const timer = await runtime.store.timers.find(timerId)
  const lateMs = timer?.lateMs ?? 0
  assert.ok(lateMs >= 3_599_000 && lateMs < 3_610_000, `it says how late it was: ${lateMs}`)
  await second.close()
}

/** Sets a timer for each order. */
const setting = (
  fail: (order: Order, ctx: DeliveryContext) => unknown,
  set: (ctx: DeliveryContext, order: Order) => unknown = (ctx, { payload: { n } }) =>
    ctx.after('1s', SendReminder, { key: 'a', n }),
): AnyPart =>
  recorder({
    retry: { attempts: 3, delay: 10 },
    before: (order, ctx) => void set(ctx, order),
    after: fail,
  })

async function withItsHandler(harness: StoreHarness): Promise<void> {
  const { runtime, start, recorded } = await openTiming(harness)
  const part = setting(({ payload: { n } }, { attempt }) => {
    if (n === 1 || attempt < 3) throw new Error('Not yet')
  })
  const process = await start({ parts: [part] })
  await runtime.place('a', 1)
  await runtime.place('b', 2)
  await process.caughtUp()
  await runtime.clock.advance(20_000)
  assert.deepEqual(await recorded(), [2], 'one for what succeeded, at last; none for what did not')
}

async function cancelledByHandler(harness: StoreHarness): Promise<void> {
  const { runtime, start, recorded } = await openTiming(harness)
  const ids = range(0, 2).map(() => harness.ids.newId(0))
  const part = setting(
    () => undefined,
    (ctx, { payload: { key, n } }) => {
      const timerId = ids[n]!
      if (key === 'set') ctx.after('1m', SendReminder, { key: 'a', n }, { timerId })
      else ctx.cancelTimer(timerId)
    },
  )
  const process = await start({ parts: [part] })
  await runtime.place('set', 1, 2)
  await process.caughtUp()
  await runtime.place('done', 1)
  await process.caughtUp()
  await runtime.clock.advance(70_000)
  // On a server it may take longer than the time that was passed over.
  await runtime.until(async () => (await recorded()).length > 0, 'the timer that is left')
  await runtime.clock.advance(10_000)
  assert.deepEqual(await recorded(), [2])
}

async function refused(harness: StoreHarness): Promise<void> {
  const { runtime, fired, start, set, recorded } = await openTiming(harness)
  const process = await start()
  const timerId = await process.app.schedule(
    SendReminder as never,
    { key: 'refused', n: 1 } as never,
    { after: 1000 },
  )
  await set(process, 2, 2000)
  await runtime.until(async () => (await recorded()).length === 1, 'the one behind it')
  await runtime.clock.advance(30_000)
  assert.equal(fired.filter(({ n }) => n === 1).length, 1, 'a refusal is an outcome')
  assert.match((await runtime.store.timers.find(timerId))?.failure ?? '', /RangeError: Not to them/)
}

/** Commands that are sent when their time has come. */
export const runtimeTimerScenarios: readonly Scenario[] = [
  scenario('T50', 'a timer fires once, by one of two processes, and never early', neverEarly),
  scenario('T51', 'a process that dies at any step fires nothing twice and nothing never', anyStep),
  scenario('T52', 'one that is cancelled does not fire', cancelled),
  scenario('T53', 'one that is late says by how much', late),
  scenario(
    'T54',
    'one that a handler sets is there when, and only when, it succeeds',
    withItsHandler,
  ),
  scenario('T55', 'a handler can cancel the timer of another', cancelledByHandler),
  scenario('T56', 'a command that is refused has had its timer', refused),
]
