import { newId } from 'tidings'
import { describe, expect, test } from 'vitest'
import { GrantPermission, LogIn, LogOut, RevokePermission } from '../src/audit/contracts.ts'
import { CompleteTodo, CreateTodo, UncompleteTodo, UpdateTodo } from '../src/todo/contracts.ts'
import { livingApp } from './support/living-app.ts'
import { NOON, subject, TODO_ID, USER } from './support/memory-app.ts'

const MINUTE = 60_000
const dueDate = new Date(NOON + MINUTE).toISOString()
const OVERDUE = 'Analytics.Task.BecameOverdue'

describe('a todo becomes overdue', () => {
  test('at its due date, and its user is told', async () => {
    const { after, events, ports } = await livingApp({ dueDate })
    await after(MINUTE / 2)
    expect(await events(OVERDUE)).toEqual([])
    await after(MINUTE / 2)
    const overdue = await events(OVERDUE)
    expect(overdue).toMatchObject([{ payload: { todoId: TODO_ID, userId: USER, dueDate } }])
    expect(overdue[0]!.timestamp >= dueDate).toBe(true)
    expect(ports.sent('inApp')).toMatchObject([{ userId: USER, text: `Overdue since ${dueDate}` }])
  })

  test('not if it is done by then, and then once if it is opened again', async () => {
    const { app, after, events } = await livingApp({ dueDate })
    await app.send(CompleteTodo, subject)
    await after(2 * MINUTE)
    expect(await events(OVERDUE)).toEqual([])
    for (const command of [UncompleteTodo, CompleteTodo, UncompleteTodo]) {
      await app.send(command, subject)
      await after(2000)
    }
    expect(await events(OVERDUE)).toHaveLength(1)
  })

  test('at the date that it was given last', async () => {
    const { app, after, events } = await livingApp({ dueDate })
    const later = new Date(NOON + 3 * MINUTE).toISOString()
    await app.send(UpdateTodo, { ...subject, dueDate: later })
    await after(2 * MINUTE)
    expect(await events(OVERDUE)).toEqual([])
    await after(2 * MINUTE)
    expect(await events(OVERDUE)).toMatchObject([{ payload: { dueDate: later } }])
  })
})

test('what is created and completed is counted', async () => {
  const { app, after, events } = await livingApp({ dueDate })
  await after(5000)
  await app.send(CompleteTodo, subject)
  await after(2000)
  expect(await events('Analytics.Task.*')).toMatchObject([
    { eventType: 'Analytics.Task.Created', payload: { priority: 'medium', hasDueDate: true } },
    { eventType: 'Analytics.Task.Completed', payload: { todoId: TODO_ID, userId: USER } },
  ])
})

test('productivity is measured for each user over a window of completions', async () => {
  const { app, after, events } = await livingApp()
  const friend = newId()
  for (const userId of [USER, friend, USER]) {
    const todoId = newId()
    await app.send(CreateTodo, { todoId, userId, title: 'x' })
    await app.send(CompleteTodo, { todoId, userId })
  }
  await app.send(CompleteTodo, subject)
  await after(5000)
  const measured = await events('Analytics.Productivity.Measured')
  // The window is full with three; the fourth completion is a window of its own, by its age.
  expect(measured.map(({ payload }) => payload)).toMatchObject([
    { userId: USER, completed: 2 },
    { userId: friend, completed: 1 },
    { userId: USER, completed: 1 },
  ])
})

test('a login and a logout are audited, and counted with their time in between', async () => {
  const { app, clock, after, events } = await livingApp()
  const sessionId = newId()
  await app.send(LogIn, { sessionId, userId: USER })
  await clock.advance(90_000)
  await app.send(LogOut, { sessionId })
  await after(1000)
  expect(await events('Audit.Access.*')).toHaveLength(2)
  const [loggedIn, loggedOut] = await events('Analytics.User.*')
  expect(loggedIn).toMatchObject({ payload: { userId: USER, sessionId } })
  expect(loggedOut).toMatchObject({ payload: { userId: USER, sessionId, sessionSeconds: 90 } })
  await expect(app.send(LogOut, { sessionId })).rejects.toMatchObject({ code: 'SESSION_OVER' })
  await expect(app.send(LogOut, { sessionId: newId() })).rejects.toMatchObject({
    code: 'SESSION_UNKNOWN',
  })
})

test('who is given a todo is told; what was not given cannot be taken', async () => {
  const { app, after, events, ports } = await livingApp()
  const granteeId = newId()
  const grant = { ...subject, granteeId, permission: 'view' } as const
  await app.send(GrantPermission, grant)
  await expect(app.send(GrantPermission, grant)).rejects.toMatchObject({
    code: 'PERMISSION_UNCHANGED',
  })
  await app.send(RevokePermission, { ...subject, granteeId })
  await expect(app.send(RevokePermission, { ...subject, granteeId })).rejects.toMatchObject({
    code: 'PERMISSION_UNKNOWN',
  })
  await after(1000)
  expect(await events('Audit.Permission.*')).toMatchObject([
    { eventType: 'Audit.Permission.Granted' },
    { eventType: 'Audit.Permission.Revoked', payload: { granteeId, permission: 'view' } },
  ])
  expect(ports.sent('inApp')).toMatchObject([
    { userId: granteeId, text: `You may view todo ${TODO_ID}` },
  ])
})
