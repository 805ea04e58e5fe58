import { newId, type Draft } from 'tidings'
import { describe, expect, test } from 'vitest'
import { httpRoutes } from '../src/http/routes.ts'
import { TodoCreated } from '../src/todo/contracts.ts'
import { memoryApp, stillClock, subject, TODO_ID, USER } from './support/memory-app.ts'

interface Problem {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly nextStep: string
  readonly issues?: readonly { readonly pointer: string }[]
}

/** The service without a socket: one request after the other, by function. */
async function start(given: readonly Draft[] = []) {
  const app = await memoryApp({ given })
  const errors: unknown[] = []
  const routes = httpRoutes(app, {
    stopping: new AbortController().signal,
    onError: (error) => errors.push(error),
    clock: stillClock(),
  })
  const request = async (
    line: string,
    sent: {
      readonly json?: unknown
      readonly raw?: string
      readonly headers?: Record<string, string>
    } = {},
  ) => {
    const [method = '', path = ''] = line.split(' ')
    const body = sent.raw ?? (sent.json === undefined ? undefined : JSON.stringify(sent.json))
    const response = await routes.request(`http://127.0.0.1${path}`, {
      method,
      headers: {
        host: '127.0.0.1',
        ...(sent.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...sent.headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    return {
      response,
      status: response.status,
      text,
      body: JSON.parse(text) as Record<string, unknown>,
    }
  }
  return { app, request, errors }
}

const created = TodoCreated({ ...subject, title: 'Water the plants', description: 'All of them' })
const path = `/todos/${TODO_ID}`

describe('a todo', () => {
  test('is created under an id of its own, and found where the answer says', async () => {
    const { request } = await start()
    const { status, response, body } = await request('POST /todos', {
      json: { title: 'Water the plants' },
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      todo: { status: 'open', title: 'Water the plants', priority: 'medium' },
      recorded: ['Todo.Item.Created'],
    })
    const found = await request(`GET ${response.headers.get('location')}`)
    expect(found.body).toEqual({ todo: body['todo'], version: 1 })
  })

  test('goes through its life', async () => {
    const { request } = await start([created])
    const life: readonly [string, unknown, string][] = [
      [`PATCH ${path}`, { title: 'b', description: null }, 'Updated'],
      [`PUT ${path}/priority`, { priority: 'high' }, 'Prioritized'],
      [`POST ${path}/complete`, undefined, 'Completed'],
      [`POST ${path}/uncomplete`, undefined, 'Uncompleted'],
      [`DELETE ${path}?reason=enough`, undefined, 'Deleted'],
    ]
    for (const [line, json, verb] of life) {
      const { status, body } = await request(line, { json })
      expect({ status, recorded: body['recorded'] }).toEqual({
        status: 200,
        recorded: [`Todo.Item.${verb}`],
      })
    }
    const { body } = await request(`GET ${path}/history`)
    const events = body['events'] as readonly Record<string, unknown>[]
    expect(events.map((event) => event['event_type'])).toEqual(
      ['Created', ...life.map(([, , verb]) => verb)].map((verb) => `Todo.Item.${verb}`),
    )
    expect(events.at(-1)?.['payload']).toMatchObject({ reason: 'enough' })
  })

  test('is asked for in capitals as well', async () => {
    const { request } = await start([created])
    expect(
      (await request(`POST ${path.toUpperCase().replace('/TODOS', '/todos')}/complete`)).status,
    ).toBe(200)
  })

  test('tells who did it', async () => {
    const { request, app } = await start([created])
    const user = newId()
    await request(`POST ${path}/complete`, { headers: { 'x-user-id': user } })
    const [, event] = await app.store.readAll().toArray()
    expect(event).toMatchObject({ payload: { userId: user }, metadata: { actor: user } })
  })
})

describe('the list', () => {
  test('holds what was acknowledged, in order, without what was deleted', async () => {
    const { request } = await start()
    const ids: string[] = []
    for (const title of ['a', 'b', 'c']) {
      const { body } = await request('POST /todos', { json: { title } })
      ids.push((body['todo'] as { todoId: string }).todoId)
    }
    await request(`POST /todos/${ids[1]}/complete`)
    await request(`PATCH /todos/${ids[2]}`, {
      json: { title: 'C', dueDate: '2026-12-24T18:00:00Z' },
    })
    await request(`PUT /todos/${ids[2]}/priority`, { json: { priority: 'low' } })
    await request(`DELETE /todos/${ids[0]}`)
    const { body } = await request('GET /todos')
    expect(body).toEqual({
      todos: [
        {
          todoId: ids[1],
          title: 'b',
          status: 'done',
          priority: 'medium',
          dueDate: null,
          position: 2,
        },
        {
          todoId: ids[2],
          title: 'C',
          status: 'open',
          priority: 'low',
          dueDate: '2026-12-24T18:00:00Z',
          position: 3,
        },
      ],
    })
    expect((await request('GET /todos?status=open')).body['todos']).toHaveLength(1)
    await request(`POST /todos/${ids[1]}/uncomplete`)
    expect((await request('GET /todos?status=open')).body['todos']).toHaveLength(2)
  })

  test('comes in pages that say where the next one is', async () => {
    const { request } = await start()
    for (const title of ['a', 'b', 'c', 'd', 'e']) await request('POST /todos', { json: { title } })
    const titles: string[][] = []
    for (let next: unknown = '/todos?limit=2&status=open'; typeof next === 'string';) {
      const { body } = await request(`GET ${next}`)
      titles.push((body['todos'] as readonly { title: string }[]).map(({ title }) => title))
      next = body['next']
    }
    expect(titles).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  })

  test('answers many at once, each with what was acknowledged before it asked', async () => {
    const { request } = await start()
    const counts = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        await request('POST /todos', { json: { title: String(index) } })
        const { body } = await request('GET /todos')
        return (body['todos'] as readonly { title: string }[]).some(
          ({ title }) => title === String(index),
        )
      }),
    )
    expect(counts).toEqual(Array.from({ length: 10 }, () => true))
  })
})

describe('an idempotency key', () => {
  test('makes a creation without an id harmless to repeat', async () => {
    const { request, app } = await start()
    const headers = { 'idempotency-key': newId() }
    const json = { title: 'Water the plants' }
    const first = await request('POST /todos', { json, headers })
    const second = await request('POST /todos', { json, headers })
    expect(first.response.headers.get('idempotency-replayed')).toBeNull()
    expect(second.response.headers.get('idempotency-replayed')).toBe('true')
    expect([second.status, second.text]).toEqual([first.status, first.text])
    expect(await app.store.head()).toBe(1)
  })

  test('repeats a refusal as well, with its status, code and next step', async () => {
    const { request } = await start([created])
    const headers = { 'idempotency-key': newId() }
    const json = { title: 'Water the plants' }
    const first = await request(`PATCH ${path}`, { json, headers })
    // Now the same request would change something; but it has had its answer.
    await request(`PATCH ${path}`, { json: { title: 'other' } })
    const second = await request(`PATCH ${path}`, { json, headers })
    expect(first.body['code']).toBe('TODO_UNCHANGED')
    expect([second.status, second.text]).toEqual([first.status, first.text])
  })

  test('is for one request only', async () => {
    const { request } = await start([created])
    const headers = { 'idempotency-key': newId() }
    await request(`POST ${path}/complete`, { headers })
    const { status, body } = await request(`POST ${path}/uncomplete`, { headers })
    expect({ status, code: body['code'] }).toEqual({
      status: 422,
      code: 'TIDINGS_COMMAND_ID_CONFLICT',
    })
  })
})

test('a correlation id joins requests into one trace, and each answer says its own', async () => {
  const { request, app } = await start([created])
  const trace = newId()
  const headers = { 'x-correlation-id': trace }
  const { response, body } = await request(`POST ${path}/complete`, { headers })
  await request(`POST ${path}/uncomplete`, { headers })
  expect([response.headers.get('x-correlation-id'), body['correlationId']]).toEqual([trace, trace])
  expect(await app.store.query({ correlationId: trace }).toArray()).toHaveLength(2)

  const other = await request(`POST ${path}/complete`)
  expect(other.response.headers.get('x-correlation-id')).not.toBe(trace)
})

describe('a refusal says what, why and what next', () => {
  const json = { title: 'x' }
  const wrongId = { 'idempotency-key': 'seven' }
  type Sent = {
    readonly json?: unknown
    readonly raw?: string
    readonly headers?: Record<string, string>
  }
  const refusals: readonly [string, Sent, number, string, string?][] = [
    ['POST /todos', { json: { title: 7 } }, 422, 'TIDINGS_PAYLOAD_INVALID', '/title'],
    [
      'POST /todos',
      { json: { title: 'x', todoId: 'first' } },
      422,
      'TIDINGS_PAYLOAD_INVALID',
      '/todoId',
    ],
    ['POST /todos', { json: { titel: 'x' } }, 422, 'FIELD_UNKNOWN', '/titel'],
    ['POST /todos', { json: { title: 'x', userId: USER } }, 422, 'FIELD_UNKNOWN', '/userId'],
    [`PATCH ${path}`, { json: { todoId: TODO_ID } }, 422, 'FIELD_UNKNOWN', '/todoId'],
    [`PATCH ${path}`, { json: {} }, 422, 'TODO_UNCHANGED'],
    [
      `PUT ${path}/priority`,
      { json: { priority: 'urgent' } },
      422,
      'TIDINGS_PAYLOAD_INVALID',
      '/priority',
    ],
    [`DELETE ${path}?reason=${'x'.repeat(501)}`, {}, 422, 'TIDINGS_PAYLOAD_INVALID', '/reason'],
    ['POST /todos', { json: { title: 'x', todoId: TODO_ID } }, 409, 'TODO_EXISTS'],
    [`POST ${path}/uncomplete`, {}, 409, 'TODO_NOT_COMPLETED'],
    ['POST /todos/first/complete', {}, 404, 'TODO_UNKNOWN'],
    [`GET /todos/${USER}`, {}, 404, 'TODO_UNKNOWN'],
    [`GET /todos/${USER}/history`, {}, 404, 'TODO_UNKNOWN'],
    ['GET /nowhere', {}, 404, 'ROUTE_UNKNOWN'],
    ['DELETE /todos', {}, 404, 'ROUTE_UNKNOWN'],
    [
      'POST /todos',
      { raw: '{"title":', headers: { 'content-type': 'application/json' } },
      400,
      'BODY_NOT_JSON',
    ],
    ['POST /todos', { json: ['x'] }, 400, 'BODY_NOT_JSON'],
    [
      'POST /todos',
      { raw: 'title=x', headers: { 'content-type': 'text/plain' } },
      415,
      'CONTENT_TYPE_UNSUPPORTED',
    ],
    ['POST /todos', { json: { title: 'x'.repeat(1024 * 1024) } }, 413, 'BODY_TOO_LARGE'],
    ['POST /todos', { json, headers: wrongId }, 400, 'HEADER_INVALID'],
    ['POST /todos', { json, headers: { 'x-user-id': 'ada' } }, 400, 'HEADER_INVALID'],
    ['GET /todos?limit=0', {}, 400, 'QUERY_INVALID'],
    ['GET /todos?limit=1001', {}, 400, 'QUERY_INVALID'],
    ['GET /todos?status=late', {}, 400, 'QUERY_INVALID'],
    ['GET /feed?after=-1', {}, 400, 'QUERY_INVALID'],
    ['GET /feed', { headers: { 'last-event-id': 'x' } }, 400, 'HEADER_INVALID'],
    ['GET /feed?after=2', {}, 409, 'FEED_POSITION_UNKNOWN'],
    ['GET /todos', { headers: { origin: 'http://example.com' } }, 403, 'ORIGIN_FOREIGN'],
    ['GET /todos', { headers: { host: 'rebound.example.com' } }, 403, 'ORIGIN_FOREIGN'],
  ]
  test.each(refusals)('%s %o', async (...refusal) => {
    const [line, sent, status, code, pointer] = refusal
    const { request, app, errors } = await start([created])
    const { response, body } = await request(line, sent)
    const problem = body as unknown as Problem
    expect(problem).toMatchObject({ type: 'about:blank', status, code })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(problem.issues?.[0]?.pointer).toBe(pointer)
    expect(problem.detail).toMatch(/\.$/)
    expect(problem.nextStep).toMatch(/\S/)
    expect(await app.store.head()).toBe(1)
    expect(errors).toEqual([])
  })

  test('a misspelt field with the one that was meant', async () => {
    const { request } = await start()
    const { body } = await request('POST /todos', { json: { titel: 'x' } })
    expect(body['nextStep']).toBe("Did you mean 'title'?")
  })

  test('a deleted todo as gone, for readers too', async () => {
    const { request } = await start([created])
    await request(`DELETE ${path}`)
    for (const line of [`GET ${path}`, `POST ${path}/complete`, `DELETE ${path}`]) {
      const { status, body } = await request(line)
      expect({ status, code: body['code'] }).toEqual({ status: 410, code: 'TODO_DELETED' })
    }
    expect((await request(`GET ${path}/history`)).status).toBe(200)
  })

  test('without a sensitive value, wherever it stood in the body', async () => {
    const { request } = await start()
    const secret = 'the-secret'
    const long = secret.repeat(300)
    const answers = [
      await request('POST /todos', { json: { title: 'x', description: long } }),
      await request('POST /todos', { json: { title: 7, description: secret } }),
      await request('POST /todos', { json: { title: 'x', description: [secret] } }),
      await request('POST /todos', {
        raw: `{"title":"x","description":"${secret}" oops`,
        headers: { 'content-type': 'application/json' },
      }),
      await request('POST /todos', {
        raw: secret,
        headers: { 'content-type': 'application/json' },
      }),
    ]
    for (const { status, text } of answers) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(text).not.toContain('secret')
    }
  })
})

test('a fault of the service says nothing of its inside to the caller, and all to its owner', async () => {
  const { request, app, errors } = await start([created])
  await app.close()
  const closed = await request(`POST ${path}/complete`)
  expect({ status: closed.status, code: closed.body['code'] }).toEqual({
    status: 503,
    code: 'TIDINGS_CLOSED',
  })
  expect(await request('GET /health')).toMatchObject({ status: 503, body: { ready: false } })
  expect(errors).toEqual([])

  const failure = new Error('password=hunter2')
  const broken = httpRoutes(
    { ...app, send: () => Promise.reject(failure) },
    { stopping: new AbortController().signal, onError: (error) => errors.push(error) },
  )
  const response = await broken.request(`http://127.0.0.1${path}/complete`, {
    method: 'POST',
    headers: { host: '127.0.0.1' },
  })
  const text = await response.text()
  expect([response.status, JSON.parse(text)]).toEqual([
    500,
    expect.objectContaining({ code: 'INTERNAL' }),
  ])
  expect(text).not.toContain('hunter2')
  expect(errors).toEqual([failure])
})

test('the index lists every route, and health is good', async () => {
  const { request } = await start()
  const { body } = await request('GET /')
  expect(Object.keys(body['routes'] as object)).toHaveLength(24)
  expect((await request('GET /health')).body).toEqual({
    live: true,
    ready: true,
    reasons: [],
    subscriptions: [],
  })
})

test('no answer admits another site', async () => {
  const { request } = await start()
  const { response } = await request('GET /todos')
  expect(response.headers.get('access-control-allow-origin')).toBeNull()
  const own = await request('GET /todos', { headers: { origin: 'http://127.0.0.1' } })
  expect(own.status).toBe(200)
})
