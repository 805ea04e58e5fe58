import { randomUUID } from 'node:crypto'

/** One request, and what must come of it. */
export interface Step {
  readonly name: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
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
  const create = { todoId, title: 'Water the plants', description: 'All of them' }
  const headers = { 'Idempotency-Key': randomUUID(), 'X-Correlation-Id': 'smoke' }
  const path = `/todos/${todoId}`
  const recorded = (verb: string): readonly string[] => [`Todo.Item.${verb}`]
  const created = { status: 201, recorded: recorded('Created'), todoStatus: 'open' }
  return [
    {
      name: 'create',
      method: 'POST',
      path: '/todos',
      body: create,
      headers,
      expected: { ...created, isReplayed: false },
    },
    {
      name: 'create again, same key',
      method: 'POST',
      path: '/todos',
      body: create,
      headers,
      expected: { ...created, isReplayed: true },
    },
    {
      name: 'same key, other request',
      method: 'POST',
      path: '/todos',
      body: { ...create, title: 'x' },
      headers,
      expected: { status: 422, code: 'TIDINGS_COMMAND_ID_CONFLICT' },
    },
    {
      name: 'create it twice',
      method: 'POST',
      path: '/todos',
      body: create,
      expected: { status: 409, code: 'TODO_EXISTS' },
    },
    {
      name: 'a title that is none',
      method: 'POST',
      path: '/todos',
      body: { title: 7 },
      expected: { status: 422, code: 'TIDINGS_PAYLOAD_INVALID', pointer: '/title' },
    },
    {
      name: 'update',
      method: 'PATCH',
      path,
      body: { title: 'Water the garden' },
      expected: { status: 200, recorded: recorded('Updated') },
    },
    {
      name: 'update to the same',
      method: 'PATCH',
      path,
      body: { title: 'Water the garden' },
      expected: { status: 422, code: 'TODO_UNCHANGED' },
    },
    {
      name: 'prioritize',
      method: 'PUT',
      path: `${path}/priority`,
      body: { priority: 'high' },
      expected: { status: 200, recorded: recorded('Prioritized') },
    },
    {
      name: 'complete',
      method: 'POST',
      path: `${path}/complete`,
      expected: { status: 200, recorded: recorded('Completed'), todoStatus: 'done' },
    },
    {
      name: 'complete again',
      method: 'POST',
      path: `${path}/complete`,
      expected: { status: 409, code: 'TODO_ALREADY_COMPLETED' },
    },
    {
      name: 'list',
      method: 'GET',
      path: '/todos?status=done',
      expected: { status: 200, todoStatus: 'done' },
    },
    {
      name: 'uncomplete',
      method: 'POST',
      path: `${path}/uncomplete`,
      expected: { status: 200, recorded: recorded('Uncompleted'), todoStatus: 'open' },
    },
    {
      name: 'delete',
      method: 'DELETE',
      path: `${path}?reason=smoke`,
      expected: { status: 200, recorded: recorded('Deleted'), todoStatus: 'deleted' },
    },
    {
      name: 'complete it after that',
      method: 'POST',
      path: `${path}/complete`,
      expected: { status: 410, code: 'TODO_DELETED' },
    },
  ]
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
  const response = await fetch(url + step.path, {
    method: step.method,
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
