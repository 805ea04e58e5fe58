import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineTask } from '../../src/contract/define-task.ts'
import { defineWorker, startTask, type WorkerOptions } from '../../src/delivery/define-worker.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { stores } from '../support/stores.ts'

const payload = z.object({ name: z.string() })
const Printed = defineEvent('Office.Page.Completed', { payload })
const Print = defineTask('Office.Page.PrintRequested', { payload, results: [Printed] })

/** A worker with one place. What is asked for together is in the log together, and read together. */
async function startPrinter(store: Store, options: WorkerOptions = {}) {
  const printed: string[] = []
  const printer = defineWorker(
    Print,
    async ({ payload: { name } }) => {
      printed.push(name)
      return Printed({ name })
    },
    { concurrency: 1, ...options },
  )
  const app = await bootstrap({ store, modules: [defineModule('office', [Print, printer])] })
  onTestFinished(() => app.close())
  const ask = async (priorities: Readonly<Record<string, number | undefined>>): Promise<void> => {
    const tasks = Object.entries(priorities).map(([name, priority]) =>
      startTask(Print, { name }, priority === undefined ? {} : { priority }),
    )
    await app.store.append(...tasks)
    await app.delivery.caughtUp()
  }
  return { app, ask, printed }
}

describe.each(stores)('the priority of a task on $kind', ({ open }) => {
  test('a higher one begins before lower ones that wait', async () => {
    const { ask, printed } = await startPrinter(await open())
    await ask({ plain: undefined, low: -1, urgent: 10, high: 1, 'plain too': undefined })
    expect(printed).toEqual(['urgent', 'high', 'plain', 'plain too', 'low'])
  })
})

test('an aging that is none is refused', async () => {
  await expect(startPrinter(memoryStore(), { aging: 0 })).rejects.toThrow(
    /'aging' is a duration above 0/,
  )
})
