import { fakeClock, type FakeClock } from '@tidings/testing'
import { bootstrap, memoryStore, type StoredEnvelope } from 'tidings'
import { onTestFinished } from 'vitest'
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
  const app: TodoApp = await bootstrap({
    store: memoryStore({ clock }),
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
      await clock.advance(ms)
      await whileMoving(clock, settled(app))
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
  while (!state.isOver) await clock.advance(10)
  return work
}

/** Everything is handled, and what came of it too. */
async function settled({ delivery, store }: TodoApp): Promise<void> {
  for (;;) {
    const head = await store.head()
    await delivery.caughtUp()
    if ((await store.head()) === head) return
  }
}
