import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { postgres } from '@tidings/postgres'
import { bootstrap, type App } from 'tidings'
import { expect, onTestFinished, test } from 'vitest'
import { createDatabase } from './kit/server.ts'
import { Counted, Recorded, makeStandstill, type Step } from './kit/standstill-events.ts'

const LEASE_MS = 1_500
/** Shorter than the lease, as the default is. */
const IDLE_MS = 600
const KEYS = ['a', 'b', 'c', 'd']

/** In the handler; with the lock of the log; with the row of the progress too. */
const points = ['row-written', 'appended', 'before-commit'] as const

interface Child {
  readonly process: ChildProcess
  readonly lines: readonly string[]
  readonly ended: Promise<number | null>
}

function start(...args: readonly string[]): Child {
  const script = join(import.meta.dirname, 'kit/standstill.child.ts')
  const child = spawn(process.execPath, ['--conditions=@tidings/source', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { process: child, lines, ended }
}

function untilSays(child: Child, line: string): Promise<void> {
  return expect.poll(() => child.lines, { timeout: 60_000 }).toContain(line)
}

interface Row extends Step {
  readonly process: number
}

/** What handlers have left, in the order of each key. */
function rowsOf(store: App['store'] | ReturnType<typeof postgres>): Promise<Row[]> {
  return (store as ReturnType<typeof postgres>).transaction(
    (tx) => tx.sql<Row>`select key, n, process from effects order by id`,
  )
}

for (const point of points) {
  test(`a process that stands still at '${point}' for longer than its lease: another goes on, and it writes nothing more`, async () => {
    const database = await createDatabase('standstill')
    onTestFinished(() => database.drop())
    const store = postgres(database.url)
    await store.transaction(
      (tx) =>
        tx.sql`create table effects (id bigint generated always as identity, key text, n integer, process integer)`,
    )
    const app = await bootstrap({
      store,
      modules: [makeStandstill(() => Promise.resolve())],
      delivery: { run: false },
    })
    let made = 0
    const append = async (): Promise<void> => {
      made++
      for (const key of KEYS) {
        const events = Counted({ key, n: made })
        await app.store.append({ aggregateType: 'Standstill.Counter', aggregateId: key, events })
      }
    }
    const handled = (): Promise<number> => rowsOf(store).then(({ length }) => length)

    const first = start(database.url, point, '10', String(LEASE_MS), String(IDLE_MS))
    await untilSays(first, 'ready')
    while (!first.lines.includes('stops')) await append()
    const other = start(database.url, 'nowhere', '1', String(LEASE_MS), String(IDLE_MS))
    await untilSays(other, 'ready')
    // Neither the log nor the subscription waits for it.
    await append()
    await expect.poll(handled, { timeout: 60_000 }).toBe(made * KEYS.length)
    const ofFirst = async () =>
      (await rowsOf(store)).filter((row) => row.process === first.process.pid)
    const before = await ofFirst()
    expect(before.length).toBeGreaterThan(0)

    first.process.kill('SIGCONT')
    await untilSays(first, 'lost')
    await append()
    await expect.poll(handled, { timeout: 60_000 }).toBe(made * KEYS.length)
    expect(await ofFirst()).toEqual(before)
    for (const { process: child, ended } of [first, other]) {
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
    }
    const rows = await rowsOf(store)
    const echoes = (await store.readAll().toArray())
      .filter(({ eventType }) => eventType === Recorded.type)
      .map(({ payload }) => payload as Step)
    const counted = Array.from({ length: made }, (_, index) => index + 1)
    for (const key of KEYS) {
      const of = (steps: readonly Step[]) =>
        steps.filter((step) => step.key === key).map(({ n }) => n)
      expect(of(rows), `rows of ${key}`).toEqual(counted)
      expect(of(echoes), `events of ${key}`).toEqual(counted)
    }
    expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
    console.log(
      `stood still at '${point}': ${rows.length} effects each once and in order, ${before.length} by the first`,
    )
    await app.close()
  })
}
