import { Hono } from 'hono'
import { isUuid } from 'tidings'
import { LogIn, LogOut } from '../audit/contracts.ts'
import type { TodoApp } from '../modules.ts'
import { RefusedError } from '../refused-error.ts'
import { idFor, readSendOptions, readUserId } from './request.ts'
import { respondSent } from './respond.ts'

/** `/sessions`: who came and went. Nothing is guarded by it: that is not what this example shows. */
export function accessRoutes(app: TodoApp): Hono {
  const routes = new Hono()
  routes.post('/', async (c) => {
    const sessionId = idFor(c, 'session')
    const userId = readUserId(c)
    const sent = await app.send(LogIn, { sessionId, userId }, readSendOptions(c))
    return respondSent(c, sent, { sessionId, userId }, 201)
  })
  routes.delete('/:sessionId', async (c) => {
    const sessionId = c.req.param('sessionId').toLowerCase()
    if (!isUuid(sessionId)) throw new RefusedError('SESSION_UNKNOWN', sessionId)
    const sent = await app.send(LogOut, { sessionId }, readSendOptions(c))
    return respondSent(c, sent, { sessionId })
  })
  return routes
}
