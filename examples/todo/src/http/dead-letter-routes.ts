import { Hono } from 'hono'
import type { ParkedEvent } from 'tidings'
import type { TodoApp } from '../modules.ts'
import { readBody, readUserId } from './request.ts'
import { respond } from './respond.ts'

/** `/dead-letters`: what could not be handled, and a second try. `npx tidings dead-letters` can do more. */
export function deadLetterRoutes(app: TodoApp): Hono {
  const routes = new Hono()
  routes.get('/', async (c) => {
    const letters = await app.admin.parked.list({ states: ['parked', 'redriving'] })
    return respond(c, { deadLetters: letters.map(toView) })
  })
  routes.post('/redrive', async (c) => {
    const { subscription } = await readBody(c, ['subscription'])
    const { operationId } = await app.admin.request({
      kind: 'redrive',
      subscription: String(subscription),
      by: readUserId(c),
    })
    // Stored: who does not want to wait for its end finds it later, and so does a restarted service.
    const { operation } = await app.admin.ended(operationId, { signal: c.req.raw.signal })
    const { state, result } = operation
    return respond(c, { operationId, state, result })
  })
  return routes
}

function toView({ parkedId, subscription, key, eventType, reason, attempts }: ParkedEvent): object {
  // One that waits behind another of its key was not tried, so nothing is known against it.
  return { parkedId, subscription, key, eventType, reason, error: attempts.at(-1)?.error.message }
}
