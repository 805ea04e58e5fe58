import { fakeClock, type FakeClock } from '@tidings/testing'
import { bootstrap, type Clock, type Store, type StoredEnvelope } from 'tidings'
import { onTestFinished } from 'vitest'
// tidy-allow sleep: it paces a clock that the test moves; nothing is waited for with it
import { setTimeout as pause } from 'node:timers/promises'
import { testLog } from '../../../support/test-log.ts'
import { todoModules, type TodoApp } from '../../src/modules.ts'
import { fakePorts, type FakePorts } from '../../src/notifications/fake-ports.ts'
import { CreateTodo } from '../../src/todo/contracts.ts'
import { NOON, subject } from './memory-app.ts'

export interface LivingApp {
  readonly app: TodoApp
  readonly clock: FakeClock
  readonly ports: FakePorts
  /** Lets time pass, and everything be handled that is to be handled then. */
  readonly after: (ms: number) => Promise<void>
  /** Events of a family, in order. */
  readonly events: (glob: string) => Promise<readonly StoredEnvelope[]>
  /** Their verbs. */
  readonly verbs: (glob: string) => Promise<readonly string[]>
}

/** The application with all its handlers and timers, at noon, on a clock that the test moves; one todo is there. */
export async function livingApp(todo: { readonly dueDate?: string } = {}): Promise<LivingApp> {
  const clock = fakeClock(NOON)
  const ports = fakePorts()
  const store = await testLog(clock)
  const app: TodoApp = await bootstrap({
    store,
    modules: todoModules({ ports, productivityWindow: { size: 3, age: '1s' } }),
    clock,
  })
  onTestFinished(() => app.close())
  await app.send(CreateTodo, { ...subject, title: 'Water the plants', ...todo })
  const events = (glob: string) => app.store.query({ types: [glob] }).toArray()
  return {
    app,
    clock,
    ports,
    after: async (ms) => {
      const settled = () => whileMoving(clock, untilSettled(app, store, clock))
      // What is to happen then may still be on its way to be set.
      await settled()
      await clock.advance(ms)
      await settled()
    },
    events,
    verbs: async (glob) =>
      (await events(glob)).map(({ eventType }) => eventType.slice(eventType.lastIndexOf('.') + 1)),
  }
}

/** Waits for something that itself waits by the clock, which nobody else moves. */
export async function whileMoving<Result>(
  clock: FakeClock,
  work: Promise<Result>,
): Promise<Result> {
  const state = { isOver: false }
  const over = (): void => {
    state.isOver = true
  }
  work.then(over, over)
  while (!state.isOver) {
    await clock.advance(10)
    // Ten times as fast as the day, and no faster: what a store answers over a socket takes its time.
    await pause(1)
  }
  return work
}

/** Everything is handled, what came of it too, and no timer is due. */
async function untilSettled({ delivery }: TodoApp, store: Store, clock: Clock): Promise<void> {
  for (;;) {
    const head = await store.head()
    await delivery.caughtUp()
    const nextDue = await store.timers.next()
    const isQuiet = nextDue === undefined || nextDue > clock.now()
    if (isQuiet && (await store.head()) === head) return
  }
}
