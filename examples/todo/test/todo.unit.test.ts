import { createRegistry, type AnyCommandDefinition, type Draft } from 'tidings'
import { describe, expect, test } from 'vitest'
import {
  CompleteTodo,
  CreateTodo,
  DeleteTodo,
  PrioritizeTodo,
  TodoCompleted,
  TodoCreated,
  TodoDeleted,
  TodoPrioritized,
  TodoUncompleted,
  TodoUpdated,
  UncompleteTodo,
  UpdateTodo,
} from '../src/todo/contracts.ts'
import { TodoError } from '../src/todo/todo-error.ts'
import { Todo } from '../src/todo/todo.ts'
import { todos } from '../src/topics.ts'
import { memoryApp, NOON, stillClock, subject, TODO_ID } from './support/memory-app.ts'

const noon = new Date(NOON).toISOString()
const created = TodoCreated(
  { ...subject, title: 'Water the plants', description: 'All of them' },
  { timestamp: '2026-11-21T11:58:29.100Z' },
)
const completed = TodoCompleted({ ...subject, completedAt: noon, timeToComplete: 90 })
const deleted = TodoDeleted({ ...subject, deletedAt: noon })

/** What a command leads to, after what was given. */
async function when(
  given: readonly Draft[],
  command: AnyCommandDefinition,
  input: object,
): Promise<readonly [type: string, payload: unknown][]> {
  const app = await memoryApp({ given })
  const send = app.send as (
    command: AnyCommandDefinition,
    input: unknown,
  ) => ReturnType<typeof app.send>
  const { events } = await send(command, { ...subject, ...input })
  return events.map(({ eventType, payload }) => [eventType, payload])
}

async function refusal(given: readonly Draft[], command: AnyCommandDefinition, input: object = {}) {
  const error: unknown = await when(given, command, input).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TodoError)
  return (error as TodoError).code
}

describe('a command leads to its event', () => {
  test('create, with medium priority where none is said', async () => {
    expect(await when([], CreateTodo, { title: 'Water the plants' })).toEqual([
      ['Todo.Item.Created', { ...subject, title: 'Water the plants', priority: 'medium' }],
    ])
  })

  test('create, with everything that can be said', async () => {
    const input = {
      title: 'x'.repeat(500),
      description: 'y'.repeat(2000),
      priority: 'high',
      dueDate: '2026-12-24T18:00:00+01:00',
    }
    expect(await when([], CreateTodo, input)).toEqual([
      ['Todo.Item.Created', { ...subject, ...input }],
    ])
  })

  test('update, with the fields that really change', async () => {
    const input = { title: 'Water the garden', description: 'All of them', dueDate: noon }
    expect(await when([created], UpdateTodo, input)).toEqual([
      [
        'Todo.Item.Updated',
        {
          ...subject,
          changes: { title: 'Water the garden', dueDate: noon },
          updatedFields: ['title', 'dueDate'],
        },
      ],
    ])
  })

  test('update, taking a field away', async () => {
    expect(await when([created], UpdateTodo, { description: null })).toEqual([
      [
        'Todo.Item.Updated',
        { ...subject, changes: { description: null }, updatedFields: ['description'] },
      ],
    ])
  })

  test('complete, with the whole seconds that it took', async () => {
    expect(await when([created], CompleteTodo, {})).toEqual([
      ['Todo.Item.Completed', { ...subject, completedAt: noon, timeToComplete: 90 }],
    ])
  })

  test('complete, in no time where the clock was set back', async () => {
    const later = TodoCreated({ ...subject, title: 'x' }, { timestamp: '2026-11-21T13:00:00.000Z' })
    expect(await when([later], CompleteTodo, {})).toEqual([
      ['Todo.Item.Completed', { ...subject, completedAt: noon, timeToComplete: 0 }],
    ])
  })

  test('uncomplete', async () => {
    expect(await when([created, completed], UncompleteTodo, {})).toEqual([
      ['Todo.Item.Uncompleted', { ...subject, uncompletedAt: noon }],
    ])
  })

  test('prioritize, with the priority that it had', async () => {
    expect(await when([created], PrioritizeTodo, { priority: 'high' })).toEqual([
      ['Todo.Item.Prioritized', { ...subject, priority: 'high', previousPriority: 'medium' }],
    ])
  })

  test('delete, with or without a reason', async () => {
    expect(await when([created], DeleteTodo, { reason: 'twice' })).toEqual([
      ['Todo.Item.Deleted', { ...subject, deletedAt: noon, reason: 'twice' }],
    ])
    expect(await when([created, completed], DeleteTodo, {})).toEqual([
      ['Todo.Item.Deleted', { ...subject, deletedAt: noon }],
    ])
  })
})

describe('a command is refused', () => {
  const change: readonly [string, AnyCommandDefinition, object][] = [
    ['update', UpdateTodo, { title: 'x' }],
    ['complete', CompleteTodo, {}],
    ['uncomplete', UncompleteTodo, {}],
    ['prioritize', PrioritizeTodo, { priority: 'high' }],
    ['delete', DeleteTodo, {}],
  ]

  test.each(change)('%s of a todo that there is not', async (_what, command, input) => {
    expect(await refusal([], command, input)).toBe('TODO_UNKNOWN')
  })

  test.each(change)('%s after the deletion', async (_what, command, input) => {
    expect(await refusal([created, deleted], command, input)).toBe('TODO_DELETED')
  })

  test.each([
    ['that is there', [created]],
    ['that is done', [created, completed]],
    ['that was deleted', [created, deleted]],
  ])('create of one %s', async (_what, given) => {
    expect(await refusal(given, CreateTodo, { title: 'x' })).toBe('TODO_EXISTS')
  })

  test('complete a second time', async () => {
    expect(await refusal([created, completed], CompleteTodo)).toBe('TODO_ALREADY_COMPLETED')
  })

  test('uncomplete of an open one, before any completion and after one was taken back', async () => {
    expect(await refusal([created], UncompleteTodo)).toBe('TODO_NOT_COMPLETED')
    const back = TodoUncompleted({ ...subject, uncompletedAt: noon })
    expect(await refusal([created, completed, back], UncompleteTodo)).toBe('TODO_NOT_COMPLETED')
  })

  test.each([
    ['nothing', {}],
    ['the title that it has', { title: 'Water the plants' }],
    ['no due date where there is none', { dueDate: null }],
  ])('update to %s', async (_what, input) => {
    expect(await refusal([created], UpdateTodo, input)).toBe('TODO_UNCHANGED')
  })

  test('prioritize with the priority that it has', async () => {
    expect(await refusal([created], PrioritizeTodo, { priority: 'medium' })).toBe('TODO_UNCHANGED')
  })

  test.each([
    ['/title', CreateTodo, { title: '' }],
    ['/title', CreateTodo, { title: ' \t' }],
    ['/title', CreateTodo, { title: 'x'.repeat(501) }],
    ['/title', CreateTodo, {}],
    ['/description', CreateTodo, { title: 'x', description: 'y'.repeat(2001) }],
    ['/dueDate', CreateTodo, { title: 'x', dueDate: 'tomorrow' }],
    ['/dueDate', CreateTodo, { title: 'x', dueDate: '2026-12-24' }],
    ['/priority', CreateTodo, { title: 'x', priority: 'urgent' }],
    ['/priority', PrioritizeTodo, {}],
    ['/todoId', CompleteTodo, { todoId: 'first' }],
    ['/todoId', CompleteTodo, { todoId: TODO_ID.replaceAll('1', 'A') }],
    ['/userId', CompleteTodo, { userId: '' }],
  ])('with a fault at %s', async (pointer, command, input) => {
    await expect(when([], command, input)).rejects.toMatchObject({
      code: 'TIDINGS_PAYLOAD_INVALID',
      issues: [expect.objectContaining({ pointer }) as object],
    })
  })

  test('without telling a description', async () => {
    const error = await when([], CreateTodo, {
      title: 'x',
      description: `secret${'y'.repeat(2001)}`,
    }).catch((reason: unknown) => reason as Error)
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('secret')
  })
})

test('the state is what the events say', async () => {
  const app = await memoryApp({
    given: [
      created,
      TodoUpdated({
        ...subject,
        changes: { title: 'b', description: null, dueDate: noon },
        updatedFields: ['title'],
      }),
      TodoPrioritized({ ...subject, priority: 'low', previousPriority: 'medium' }),
      completed,
    ],
  })
  const { state, version } = await app.store.load(Todo, TODO_ID)
  expect(version).toBe(4)
  expect(state).toEqual({
    status: 'done',
    title: 'b',
    description: null,
    priority: 'low',
    dueDate: noon,
    createdAt: '2026-11-21T11:58:29.100Z',
    completedAt: noon,
  })
})

test('a todo with many changes is the same from its snapshot as from the beginning', async () => {
  const clock = stillClock()
  const app = await memoryApp({ given: [created], clock })
  for (let turn = 0; turn < 60; turn++) {
    clock.set(NOON + turn)
    await app.send(turn % 2 === 0 ? CompleteTodo : UncompleteTodo, subject)
  }
  const fromSnapshot = await app.store.load(Todo, TODO_ID)
  expect(fromSnapshot.version).toBe(61)
  expect(fromSnapshot).toEqual(await app.store.load(Todo, TODO_ID, { ignoreSnapshot: true }))
})

test('the events bear the names of the team and of the document, and go to its topic', () => {
  const registry = createRegistry([], { aggregates: [Todo] })
  for (const verb of ['Created', 'Updated', 'Completed', 'Uncompleted', 'Deleted', 'Prioritized']) {
    const event = registry.event(`Todo${verb}`)
    expect(event?.type).toBe(`Todo.Item.${verb}`)
    expect(registry.fromEnumName(`TODO_ITEM_${verb.toUpperCase()}`)).toBe(`Todo.Item.${verb}`)
    expect(event?.topic).toBe(todos)
    expect(event?.key?.({ todoId: TODO_ID } as never)).toBe(TODO_ID)
  }
  expect(todos).toMatchObject({
    name: 'todos',
    partitions: 3,
    replicas: 3,
    retentionMs: 604_800_000,
    segmentMs: 86_400_000,
    cleanup: 'delete',
    carries: 'facts',
  })
})
