import { bootstrap, type Clock, type Draft } from 'tidings'
import { onTestFinished } from 'vitest'
import { testLog } from '../../../support/test-log.ts'
import { todoModules, type TodoApp } from '../../src/modules.ts'
import { fakePorts } from '../../src/notifications/fake-ports.ts'
import { Todo } from '../../src/todo/todo.ts'

export const TODO_ID = '0199e2c4-1111-7111-8111-111111111111'
export const USER = '0199e2c4-2222-7222-8222-222222222222'
export const subject = { todoId: TODO_ID, userId: USER }

/** When everything in these tests happens. */
export const NOON = Date.UTC(2026, 10, 21, 12)

/** A clock that stands still, at noon or wherever it is put. */
export function stillClock(startMs: number = NOON): Clock & { set(timeMs: number): void } {
  let nowMs = startMs
  return {
    now: () => nowMs,
    set: (timeMs) => {
      nowMs = timeMs
    },
    sleep: (_ms, { signal } = {}) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error))
      }),
  }
}

/** The application on a log in which one todo has already come so far. */
export async function memoryApp(
  options: { readonly given?: readonly Draft[]; readonly clock?: Clock } = {},
): Promise<TodoApp> {
  const app: TodoApp = await bootstrap({
    store: testLog(),
    modules: todoModules({ ports: fakePorts() }),
    clock: options.clock ?? stillClock(),
    // Nothing follows: what a command records is all that is looked at.
    delivery: { run: false },
  })
  onTestFinished(() => app.close())
  const { given = [] } = options
  if (given.length > 0) {
    await app.store.append({ aggregateType: Todo.type, aggregateId: TODO_ID, events: given })
  }
  return app
}
