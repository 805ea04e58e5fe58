// A process that does everything a runtime can do until it is killed. Started by live.ts.
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
// tidy-allow sleep: the producer paces itself, so that consumers keep up; nothing is waited for with it
import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import { bootstrap, deriveId, ndjsonPublisher } from 'tidings'
import { Add, makeModules } from './modules.ts'
import { openLog, prepareEffects } from './log-place.ts'
import { Operator } from './operator.ts'
import { keys, LEASE_MS, type Start } from './plan-life.ts'
import { Trap } from './trap.ts'
import { trappedPublisher, trappedStore } from './trapped-ports.ts'

const STANDARD_OUTPUT = 1
/** Between two commands of a key. */
const PACE_MS = 12
/** Positions that consumers may be behind the producers, however slow store and machine are. */
const MOST_BEHIND = 300

const { log, published, seed, role, kill } = JSON.parse(process.argv[2] ?? '') as Start
const trap = new Trap(kill)

/** Written at once and by the kernel: what is in the pipe outlives the process. */
function say(line: string): void {
  writeSync(STANDARD_OUTPUT, `${line}\n`)
}

const inner = await openLog(log, (step) => trap.pass(step))
await prepareEffects(inner, log)
trap.isArmed = true
const store = trappedStore(inner, trap)
const app = await bootstrap({
  store,
  modules: makeModules(seed, trap),
  publisher: trappedPublisher(ndjsonPublisher(published, { sync: false }), trap),
  relay: { batchSize: 10 },
  delivery: { pollMs: 20, leaseMs: LEASE_MS, run: role === 'neighbour' ? ['sharded'] : true },
  onFailure: ({ error }) => {
    console.error('A failure that nobody expects:', error)
    process.exit(1)
  },
})
flushCompileCache()
process.once('SIGTERM', () => void sayWhatIsLeft())
say('ready')
if (role === 'finisher') await finish()
else if (role === 'worker') await Promise.all([...keys.map(produce), tendUntilKilled()])

/** Sends the commands of a key, from the last one that is there: a producer asks again when it was not told. */
async function produce(key: string): Promise<void> {
  const [last] = await inner.transaction(
    (tx) =>
      tx.sql<{ n: number }>`
        select coalesce(max(n), 1) as n from crash_effects where effect = 'added' and key = ${key}`,
  )
  for (let n = last?.n ?? 1; ; n++) {
    const commandId = deriveId(Date.UTC(2026, 10, 21), seed, key, n)
    const { position = 0 } = await app.send(Add, { key, n }, { commandId })
    say(`${key} ${n}`)
    do await pause(PACE_MS)
    while (position - handledUpTo() > MOST_BEHIND)
  }
}

/** By all that this process owns. */
function handledUpTo(): number {
  const marks = app.delivery.subscriptions.flatMap(({ handledUpTo: mark }) => mark ?? [])
  return Math.min(...marks)
}

async function tendUntilKilled(): Promise<void> {
  const operator = new Operator(app.admin, new AbortController().signal)
  for (;;) {
    await operator.tend(false)
    await pause(2 * PACE_MS)
  }
}

/** Nothing new comes: everything that was begun is to be ended. */
async function finish(): Promise<void> {
  const operator = new Operator(app.admin, new AbortController().signal)
  while (!(await isAllDone())) await operator.tend(true)
  await app.close()
  say('finished')
}

/** It took too long: what it waited for is all that one can find out of it. */
async function sayWhatIsLeft(): Promise<void> {
  const left = {
    head: await inner.head(),
    subscriptions: app.delivery.subscriptions,
    records: await app.admin.subscriptions(),
    operations: await inner.operations.list({ states: ['requested', 'running'] }),
    timer: await inner.timers.next(),
  }
  console.error(role, kill, 'Not finished:', inspect(left, { depth: 6, breakLength: 200 }))
  process.exit(1)
}

async function isAllDone(): Promise<boolean> {
  const head = await inner.head()
  await app.delivery.caughtUp()
  const all = await app.admin.subscriptions()
  const open = await inner.operations.list({ states: ['requested', 'running'] })
  const isDone =
    all.every(({ parked }) => parked === 0) &&
    open.length === 0 &&
    (await inner.timers.next()) === undefined
  // What was done at last may have set off more.
  return isDone && head === (await inner.head())
}
