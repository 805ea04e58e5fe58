import { randomUUID } from 'node:crypto'

/** One request, and what must come of it. */
export interface Step {
  readonly name: string
  /** `POST /todos`, for example. */
  readonly request: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly expected: Expected
}

export interface Expected {
  readonly status: number
  /** Of the problem. */
  readonly code?: string
  /** The field that the problem names. */
  readonly pointer?: string
  /** The events that were recorded. */
  readonly recorded?: readonly string[]
  /** The todo's status, alone or the first of the list. */
  readonly todoStatus?: string
  /** Whether it is the first answer again. */
  readonly isReplayed?: boolean
}

/** Everything the service can do, once, and what it must refuse. */
export function smokeRound(): Step[] {
  const todoId = randomUUID()
  return [...creation(todoId), ...changes(`/todos/${todoId}`), ...ending(`/todos/${todoId}`)]
}

function creation(todoId: string): Step[] {
  const body = { todoId, title: 'Water the plants', description: 'All of them' }
  const headers = { 'Idempotency-Key': randomUUID(), 'X-Correlation-Id': 'smoke' }
  const request = 'POST /todos'
  const created = { status: 201, recorded: ['Todo.Item.Created'], todoStatus: 'open' }
  const taken = { status: 422, code: 'TIDINGS_COMMAND_ID_CONFLICT' }
  const misfit = { status: 422, code: 'TIDINGS_PAYLOAD_INVALID', pointer: '/title' }
  return [
    { name: 'create', request, body, headers, expected: { ...created, isReplayed: false } },
    { name: 'again, same key', request, body, headers, expected: { ...created, isReplayed: true } },
    { name: 'other, same key', request, body: { ...body, title: 'x' }, headers, expected: taken },
    { name: 'create it twice', request, body, expected: { status: 409, code: 'TODO_EXISTS' } },
    { name: 'no title', request, body: { title: 7 }, expected: misfit },
  ]
}

function changes(path: string): Step[] {
  const request = `PATCH ${path}`
  const body = { title: 'Water the garden' }
  const unchanged = { status: 422, code: 'TODO_UNCHANGED' }
  const important = { priority: 'high' }
  return [
    { name: 'update', request, body, expected: recorded('Updated', 'open') },
    { name: 'update to the same', request, body, expected: unchanged },
    {
      name: 'prioritize',
      request: `PUT ${path}/priority`,
      body: important,
      expected: recorded('Prioritized', 'open'),
    },
  ]
}

function ending(path: string): Step[] {
  const complete = `POST ${path}/complete`
  const done = { status: 200, todoStatus: 'done' }
  const refused = { status: 409, code: 'TODO_ALREADY_COMPLETED' }
  const gone = { status: 410, code: 'TODO_DELETED' }
  const uncomplete = `POST ${path}/uncomplete`
  const remove = `DELETE ${path}?reason=smoke`
  return [
    { name: 'complete', request: complete, expected: recorded('Completed', 'done') },
    { name: 'complete again', request: complete, expected: refused },
    { name: 'list', request: 'GET /todos?status=done', expected: done },
    { name: 'uncomplete', request: uncomplete, expected: recorded('Uncompleted', 'open') },
    { name: 'delete', request: remove, expected: recorded('Deleted', 'deleted') },
    { name: 'complete it after that', request: complete, expected: gone },
  ]
}

function recorded(verb: string, todoStatus: string): Expected {
  return { status: 200, recorded: [`Todo.Item.${verb}`], todoStatus }
}

/** The parts of the answers that a step looks at. */
interface Answer {
  readonly code?: string
  readonly issues?: readonly { readonly pointer: string }[]
  readonly recorded?: readonly string[]
  readonly todo?: { readonly status: string }
  readonly todos?: readonly { readonly status: string }[]
}

/** Sends a step's request and answers with what came, told in the words of what was expected. */
export async function tryStep(url: string, step: Step, signal: AbortSignal): Promise<Expected> {
  const [method = '', path = ''] = step.request.split(' ')
  const response = await fetch(url + path, {
    method,
    headers: {
      ...step.headers,
      ...(step.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(step.body === undefined ? {} : { body: JSON.stringify(step.body) }),
    signal,
  })
  const answer = (await response.json()) as Answer
  const seen: Partial<Record<keyof Expected, unknown>> = {
    status: response.status,
    code: answer.code,
    pointer: answer.issues?.[0]?.pointer,
    recorded: answer.recorded,
    todoStatus: answer.todo?.status ?? answer.todos?.[0]?.status,
    isReplayed: response.headers.get('Idempotency-Replayed') === 'true',
  }
  // Only what the step speaks of, and a problem in any case: an unexpected one says why.
  const shown = Object.keys(step.expected).concat(answer.code === undefined ? [] : ['code'])
  return Object.fromEntries(
    [...new Set(shown)].map((key) => [key, seen[key as keyof Expected]]),
  ) as unknown as Expected
}
