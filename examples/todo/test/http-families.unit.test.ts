import { newId } from 'tidings'
import { expect, test } from 'vitest'
import { httpRoutes } from '../src/http/routes.ts'
import { TodoCreated } from '../src/todo/contracts.ts'
import { memoryApp, stillClock, subject, TODO_ID } from './support/memory-app.ts'

const created = TodoCreated({ ...subject, title: 'Water the plants' })
const path = `/todos/${TODO_ID}`
const reminderId = newId()
const reminder = `${path}/reminders/${reminderId}`
const friend = newId()

/** The service without a socket, and without handlers: what a request alone leads to. */
async function start() {
  const app = await memoryApp({ given: [created] })
  const refused = new Set<string>()
  const routes = httpRoutes(app, {
    stopping: new AbortController().signal,
    onError: (error) => expect.fail(`no error is expected: ${String(error)}`),
    clock: stillClock(),
    mailServer: refused,
  })
  const request = async (line: string, json?: unknown, headers: Record<string, string> = {}) => {
    const [method = '', target = ''] = line.split(' ')
    const response = await routes.request(`http://127.0.0.1${target}`, {
      method,
      headers: {
        host: '127.0.0.1',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const body = (await response.json()) as Record<string, unknown>
    return { status: response.status, headers: response.headers, body }
  }
  return { app, refused, request }
}

test('a reminder goes through its life', async () => {
  const { request } = await start()
  const body = { reminderId, reminderType: 'email', due: '10m' }
  const life: readonly [string, unknown, number, string][] = [
    [`POST ${path}/reminders`, body, 201, 'Todo.Reminder.Created'],
    [`POST ${reminder}/snooze`, { minutes: 5 }, 200, 'Todo.Reminder.Snoozed'],
    [`POST ${reminder}/dismiss`, undefined, 200, 'Todo.Reminder.Dismissed'],
  ]
  for (const [line, json, status, type] of life) {
    const answer = await request(line, json)
    expect(answer).toMatchObject({ status, body: { reminderId, recorded: [type] } })
  }
  const { body: list } = await request(`GET ${path}/reminders`)
  expect(list).toMatchObject({ todoId: TODO_ID, reminders: [{ reminderId, status: 'dismissed' }] })
})

test('a reminder without an id gets one, the same for the same Idempotency-Key', async () => {
  const { request } = await start()
  const again = { 'Idempotency-Key': newId() }
  const json = { reminderType: 'push', due: '1h' }
  const first = await request(`POST ${path}/reminders`, json, again)
  const second = await request(`POST ${path}/reminders`, json, again)
  expect(first.status).toBe(201)
  expect(second.body).toEqual(first.body)
  expect(second.headers.get('idempotency-replayed')).toBe('true')
  const cancelled = await request(`DELETE ${path}/reminders/${String(first.body['reminderId'])}`)
  expect(cancelled.body).toMatchObject({ recorded: ['Todo.Reminder.Cancelled'] })
})

test('a session begins and ends', async () => {
  const { request } = await start()
  const user = { 'X-User-Id': friend }
  const { status, body } = await request('POST /sessions', undefined, user)
  expect({ status, body }).toMatchObject({
    status: 201,
    body: { userId: friend, recorded: ['Audit.Access.LoggedIn'] },
  })
  const session = `/sessions/${String(body['sessionId'])}`
  expect((await request(`DELETE ${session}`)).body).toMatchObject({
    recorded: ['Audit.Access.LoggedOut'],
  })
  expect((await request(`DELETE ${session}`)).body).toMatchObject({ code: 'SESSION_OVER' })
})

test('a permission is granted and revoked', async () => {
  const { request } = await start()
  const permission = `${path}/permissions/${friend}`
  const json = { permission: 'edit' }
  expect((await request(`PUT ${permission}`, json)).body).toMatchObject({
    recorded: ['Audit.Permission.Granted'],
  })
  expect((await request(`DELETE ${permission}`)).body).toMatchObject({
    recorded: ['Audit.Permission.Revoked'],
  })
})

test('the fake mail server refuses who asks for it, until told otherwise', async () => {
  const { request, refused } = await start()
  const user = { 'X-User-Id': friend }
  expect((await request('PUT /mail-server/refused', undefined, user)).body).toEqual({
    refused: [friend],
  })
  await request('DELETE /mail-server/refused', undefined, user)
  expect([...refused]).toEqual([])
})

test.each([
  ['a reminder of no todo', `POST /todos/${friend}/reminders`, 404, 'TODO_UNKNOWN'],
  ['a reminder that is not there', `POST ${reminder}/dismiss`, 404, 'REMINDER_UNKNOWN'],
  ['a reminder without a UUID', `DELETE ${path}/reminders/x`, 404, 'REMINDER_UNKNOWN'],
  ['a session that is not there', `DELETE /sessions/${friend}`, 404, 'SESSION_UNKNOWN'],
  ['a session without a UUID', 'DELETE /sessions/x', 404, 'SESSION_UNKNOWN'],
  ['a permission nobody has', `DELETE ${path}/permissions/${friend}`, 404, 'PERMISSION_UNKNOWN'],
  ['a grantee without a UUID', `PUT ${path}/permissions/x`, 422, 'TIDINGS_PAYLOAD_INVALID'],
  ['a redrive of nobody', 'POST /dead-letters/redrive', 404, 'TIDINGS_SUBSCRIPTION_UNKNOWN'],
])('%s is refused', async (_what, line, status, code) => {
  const { request, app } = await start()
  const json = line.endsWith('/reminders')
    ? { reminderType: 'email', due: '1s' }
    : line.startsWith('PUT')
      ? { permission: 'view' }
      : line.endsWith('redrive')
        ? { subscription: 'e-mail' }
        : undefined
  expect(await request(line, json)).toMatchObject({ status, body: { code } })
  expect(await app.store.head()).toBe(1)
})

test('a due time that is none is told by its field', async () => {
  const { request } = await start()
  const answer = await request(`POST ${path}/reminders`, { reminderType: 'email', due: 'soon' })
  expect(answer).toMatchObject({ status: 422, body: { issues: [{ pointer: '/due' }] } })
})

test('nothing is parked where nothing failed', async () => {
  const { request } = await start()
  expect((await request('GET /dead-letters')).body).toEqual({ deadLetters: [] })
})
