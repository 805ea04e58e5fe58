import { Hono } from 'hono'
import { GrantPermission, RevokePermission } from '../audit/contracts.ts'
import type { TodoApp } from '../modules.ts'
import { readBody, readSendOptions, subjectOf } from './request.ts'
import { respondSent } from './respond.ts'

/** `/todos/:id/permissions`: who else may do what with a todo. */
export function permissionRoutes(app: TodoApp): Hono {
  const routes = new Hono()
  routes.put('/:granteeId', async (c) => {
    const body = await readBody(c, ['permission'])
    const granteeId = c.req.param('granteeId').toLowerCase()
    const input = { ...body, ...subjectOf(c), granteeId } as (typeof GrantPermission)['~input']
    const sent = await app.send(GrantPermission, input, readSendOptions(c))
    return respondSent(c, sent, { granteeId })
  })
  routes.delete('/:granteeId', async (c) => {
    const granteeId = c.req.param('granteeId').toLowerCase()
    const input = { ...subjectOf(c), granteeId }
    const sent = await app.send(RevokePermission, input, readSendOptions(c))
    return respondSent(c, sent, { granteeId })
  })
  return routes
}
