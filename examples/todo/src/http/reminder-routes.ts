import { Hono, type Context } from 'hono'
import { isUuid } from 'tidings'
import type { TodoApp } from '../modules.ts'
import { RefusedError } from '../refused-error.ts'
import {
  CancelReminder,
  CreateReminder,
  DismissReminder,
  SnoozeReminder,
} from '../reminders/contracts.ts'
import { Reminders } from '../reminders/reminders.ts'
import { idFor, readBody, readSendOptions, readTodoId, subjectOf } from './request.ts'
import { respond, respondSent } from './respond.ts'

/** `/todos/:id/reminders`. That one triggers is nobody's request: its timer does it. */
export function reminderRoutes(app: TodoApp): Hono {
  const routes = new Hono()
  routes.get('/', async (c) => {
    const todoId = readTodoId(c)
    const { state } = await app.store.load(Reminders, todoId)
    return respond(c, { todoId, reminders: Object.values(state) })
  })
  routes.post('/', async (c) => {
    const body = await readBody(c, ['reminderId', 'reminderType', 'due'])
    const reminderId = (body.reminderId as string | undefined) ?? idFor(c, 'reminder')
    const input = { ...body, ...subjectOf(c), reminderId } as (typeof CreateReminder)['~input']
    const sent = await app.send(CreateReminder, input, readSendOptions(c))
    return respondSent(c, sent, { reminderId }, 201)
  })
  routes.post('/:reminderId/snooze', async (c) => {
    const body = await readBody(c, ['minutes'])
    const input = { ...body, ...reminderOf(c) } as (typeof SnoozeReminder)['~input']
    const sent = await app.send(SnoozeReminder, input, readSendOptions(c))
    return respondSent(c, sent, { reminderId: input.reminderId })
  })
  routes.post('/:reminderId/dismiss', async (c) => {
    const input = reminderOf(c)
    const sent = await app.send(DismissReminder, input, readSendOptions(c))
    return respondSent(c, sent, { reminderId: input.reminderId })
  })
  routes.delete('/:reminderId', async (c) => {
    const input = { ...reminderOf(c), because: 'asked' } as const
    const sent = await app.send(CancelReminder, input, readSendOptions(c))
    return respondSent(c, sent, { reminderId: input.reminderId })
  })
  return routes
}

function reminderOf(c: Context): ReturnType<typeof subjectOf> & { readonly reminderId: string } {
  const reminderId = c.req.param('reminderId') ?? ''
  if (!isUuid(reminderId)) throw new RefusedError('REMINDER_UNKNOWN', reminderId)
  return { ...subjectOf(c), reminderId: reminderId.toLowerCase() }
}
