import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { App } from '../../src/bootstrap/app.ts'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineTask } from '../../src/contract/define-task.ts'
import {
  defineWorker,
  startTask,
  type TaskContext,
  type WorkerOptions,
} from '../../src/delivery/define-worker.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { manualClock } from '../support/fake-clock.ts'
import { until } from '../support/orders.ts'
import { stores, withOverrides } from '../support/stores.ts'

const payload = z.object({ name: z.string() })
const Printed = defineEvent('Office.Page.Completed', { payload })
const Print = defineTask('Office.Page.PrintRequested', { payload, results: [Printed] })

type Work = (name: string, ctx: TaskContext) => Promise<unknown>

async function start(
  store: Store,
  work: Work,
  { clock, ...options }: WorkerOptions & { readonly clock?: ReturnType<typeof manualClock> } = {},
): Promise<App> {
  const printer = defineWorker(
    Print,
    async ({ payload: { name } }, ctx) => {
      await work(name, ctx)
      return Printed({ name })
    },
    { retry: { attempts: 1 }, ...options },
  )
  const app = await bootstrap({
    store,
    modules: [defineModule('office', [Print, printer])],
    onFailure: () => undefined,
    ...(clock === undefined ? {} : { clock }),
  })
  onTestFinished(async () => {
    let isClosed = false
    const closed = app.close().then(() => (isClosed = true))
    if (clock !== undefined) await until(clock, () => isClosed)
    await closed
  })
  return app
}

/** Work that lasts until its signal is aborted. */
const untilAborted: Work = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next))
}

async function typesOf(app: App, stream: string): Promise<string[]> {
  const events = await app.store.readStream(stream).toArray()
  return events.map(({ eventType }) => eventType)
}

describe.each(stores)('a task on $kind', ({ open }) => {
  test('is done without reading its stream, and what ends and begins in the same turn shares a transaction', async () => {
    const store = await open()
    const asked = Array.from({ length: 35 }, (_, n) => startTask(Print, { name: `${n}` }))
    let reads = 0
    let commits = 0
    const counted = withOverrides(store, {
      readStream: (stream, options) => {
        reads++
        return store.readStream(stream, options)
      },
      append: (appends, options) => {
        commits++
        return store.append(appends, options)
      },
      transaction: (work, options) => {
        commits++
        return store.transaction(work, options)
      },
    })
    const app = await start(counted, async () => undefined, { concurrency: 10 })
    await app.store.append(...asked)
    commits = 0
    await app.delivery.caughtUp()
    // 10 begin; 10 end and the next 10 begin; …; the last 5 end.
    expect({ reads, commits }).toEqual({ reads: 0, commits: 5 })
    for (const { taskId } of asked) {
      expect(await app.tasks.find(taskId)).toMatchObject({ status: 'done', attempts: 1 })
    }
  })

  test('that need not begin any more spoils nothing for those that begin with it', async () => {
    const store = await open()
    const names: string[] = []
    const app = await start(store, async (name) => names.push(name), { concurrency: 4 })
    const { admin, delivery, tasks } = app
    const turn = async (kind: 'pause' | 'resume'): Promise<void> => {
      const asked = { kind, subscription: Print.type, by: 'ann', reason: 'cleaning' } as const
      const { operationId } = await admin.request(asked)
      await admin.ended(operationId)
    }
    await app.store.append(startTask(Print, { name: 'first' }))
    await delivery.caughtUp()
    await turn('pause')
    const asked = ['a', 'b', 'c', 'd'].map((name) => startTask(Print, { name }))
    await app.store.append(...asked)
    await tasks.cancel(asked[1]!.taskId, { by: 'ann', reason: 'too late' })
    await turn('resume')
    await delivery.caughtUp()
    expect(names.toSorted()).toEqual(['a', 'c', 'd', 'first'])
    const found = await Promise.all(asked.map(({ taskId }) => tasks.find(taskId)))
    expect(found.map((task) => [task?.status, task?.attempts])).toEqual([
      ['done', 1],
      ['cancelled', 0],
      ['done', 1],
      ['done', 1],
    ])
  })

  test('that is in a transaction of its own holds up nobody who begins', async () => {
    const store = await open()
    const asked = ['a', 'b', 'c'].map((name) => startTask(Print, { name }))
    // The next one is there before the begin of the last one is answered.
    const slow = withOverrides(store, {
      transaction: async (work, options) => {
        const result = await store.transaction(work, options)
        const next = asked.length < 3 ? asked.shift() : undefined
        if (next !== undefined) await app.store.append(next)
        await turns(5)
        return result
      },
    })
    const app = await start(slow, async (name, { tx }) => {
      await tx.once('printer', name)
      await turns(20)
    })
    const ids = asked.map(({ taskId }) => taskId)
    await app.store.append(asked.shift()!)
    const found = async (): Promise<unknown[]> => {
      const tasks = await Promise.all(ids.map((id) => app.tasks.find(id)))
      return tasks.map((task) => [task?.status, task?.attempts])
    }
    await expect.poll(found).toEqual(ids.map(() => ['done', 1]))
  })

  test('that failed is tried again as the next attempt', async () => {
    let fails = 1
    const app = await start(
      await open(),
      async () => {
        if (fails-- > 0) throw new Error('no paper')
      },
      { retry: { attempts: 2, delay: 1 } },
    )
    const asked = startTask(Print, { name: 'a' })
    await app.store.append(asked)
    await app.delivery.caughtUp()
    const task = await app.tasks.find(asked.taskId)
    expect(task).toMatchObject({ status: 'done', attempts: 2 })
    expect(await typesOf(app, task!.stream)).toEqual([
      Print.type,
      'Tidings.Task.Started',
      'Tidings.Task.AttemptFailed',
      'Tidings.Task.Started',
      Printed.type,
    ])
  })

  test('that stands in a stream with others is done, each once', async () => {
    const names: string[] = []
    const app = await start(await open(), async (name) => names.push(name))
    const shared = { aggregateType: 'Office.Page', aggregateId: 'shared' }
    await app.store.append({ ...shared, events: [Print({ name: 'a' }), Print({ name: 'b' })] })
    await app.delivery.caughtUp()
    expect(names.toSorted()).toEqual(['a', 'b'])
  })

  test('that is cancelled while it runs has its signal aborted, and ends so', async () => {
    const running = Promise.withResolvers<void>()
    const app = await start(await open(), (name, ctx) => {
      running.resolve()
      return untilAborted(name, ctx)
    })
    const asked = startTask(Print, { name: 'a' })
    await app.store.append(asked)
    await running.promise
    await app.tasks.cancel(asked.taskId, { by: 'ann', reason: 'wrong page' })
    await app.delivery.caughtUp()
    expect(await app.tasks.find(asked.taskId)).toMatchObject({ status: 'cancelled', attempts: 1 })
  })

  test('that is cancelled while it waits never begins', async () => {
    const store = await open()
    const names: string[] = []
    const running = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const work: Work = async (name) => {
      names.push(name)
      running.resolve()
      await goOn.promise
    }
    const app = await start(store, work, { concurrency: 1 })
    const [first, second] = [startTask(Print, { name: 'a' }), startTask(Print, { name: 'b' })]
    await app.store.append(first, second)
    await running.promise
    await app.tasks.cancel(second.taskId, { by: 'ann', reason: 'too late' })
    goOn.resolve()
    await app.delivery.caughtUp()
    expect(names).toEqual(['a'])
    expect(await app.tasks.find(second.taskId)).toMatchObject({ status: 'cancelled', attempts: 0 })
  })

  test('a reset of its worker does nothing that is done once more', async () => {
    const names: string[] = []
    const app = await start(await open(), async (name) => names.push(name))
    await app.store.append(startTask(Print, { name: 'a' }))
    await app.delivery.caughtUp()
    const ask = { subscription: Print.type, by: 'ann' }
    const { operationId } = await app.admin.request({ kind: 'reset', ...ask, to: 'beginning' })
    await app.admin.ended(operationId)
    await app.store.append(startTask(Print, { name: 'b' }))
    await app.delivery.caughtUp()
    expect(names).toEqual(['a', 'b'])
  })
})

describe('an attempt', () => {
  test.each([
    { option: { timeout: 300 }, said: /The work on Office\.Page\.PrintRequested .* 300/ },
    { option: { heartbeat: 300 }, said: /The heartbeat of .* 300/ },
  ])('that is late by $option fails', async ({ option, said }) => {
    const clock = manualClock()
    const app = await start(memoryStore({ clock }), untilAborted, { ...option, clock })
    const asked = startTask(Print, { name: 'a' })
    await app.store.append(asked)
    const startMs = clock.now()
    let status: string | undefined
    await until(clock, async () => {
      status = (await app.tasks.find(asked.taskId))?.status
      return status === 'failed'
    })
    const { error } = (await app.tasks.find(asked.taskId))!
    expect(error?.message).toMatch(said)
    expect(clock.now() - startMs).toBeGreaterThanOrEqual(300)
    expect(clock.now() - startMs).toBeLessThan(1000)
  })

  test('that says something now and then goes on beyond its heartbeat', async () => {
    const clock = manualClock()
    const app = await start(
      memoryStore({ clock }),
      async (_, { heartbeat }) => {
        for (let times = 0; times < 10; times++) {
          await clock.sleep(200)
          heartbeat()
        }
      },
      { heartbeat: 300, clock },
    )
    const asked = startTask(Print, { name: 'a' })
    await app.store.append(asked)
    await until(clock, async () => (await app.tasks.find(asked.taskId))?.status === 'done')
    expect(await app.tasks.find(asked.taskId)).toMatchObject({ attempts: 1 })
  })

  test('hears of a cancel that another process recorded, also after a look that failed', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    let failures = 1
    const seen = withOverrides(store, {
      readStream: (stream, options) => {
        if (failures-- > 0) throw new Error('no look now')
        return store.readStream(stream, options)
      },
    })
    const running = Promise.withResolvers<void>()
    const work: Work = (name, ctx) => {
      running.resolve()
      return untilAborted(name, ctx)
    }
    const app = await start(seen, work, { clock })
    const other = await bootstrap({
      store,
      clock,
      modules: [defineModule('office', [Print, Printed])],
    })
    onTestFinished(() => other.close())
    const asked = startTask(Print, { name: 'a' })
    await app.store.append(asked)
    await running.promise
    await other.tasks.cancel(asked.taskId, { by: 'ann', reason: 'elsewhere' })
    await until(clock, async () => (await other.tasks.find(asked.taskId))?.status === 'cancelled')
    expect(failures).toBeLessThan(0)
  })
})

describe.each(stores)('a task on $kind that a rule passes over', ({ open }) => {
  test('has failed: it is not tried again', async () => {
    const store = await open()
    const gone = Object.assign(new Error('the page is gone'), { code: 'GONE' })
    // oxlint-disable-next-line unicorn/no-thenable -- that is what a rule of a policy is called
    const rules = [{ when: 'GONE', then: { skip: 'nothing to print' } }]
    const app = await start(store, () => Promise.reject(gone), { retry: { rules } })
    const task = startTask(Print, { name: 'one' })
    await app.store.append(task)
    await app.delivery.caughtUp()
    expect(await app.tasks.find(task.taskId)).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { message: 'the page is gone' },
    })
  })
})

test('a worker that has no time is refused', () => {
  const define = (options: WorkerOptions) => () =>
    bootstrap({
      store: memoryStore(),
      modules: [
        defineModule('office', [
          Print,
          defineWorker(Print, async () => Printed({ name: '' }), options),
        ]),
      ],
    })
  return Promise.all([
    expect(define({ timeout: 0 })()).rejects.toThrow(/'timeout' is longer than 0/),
    expect(define({ heartbeat: 0 })()).rejects.toThrow(/'heartbeat' is longer than 0/),
  ])
})
