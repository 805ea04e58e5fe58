import { Hono } from 'hono'
import { readUserId } from './request.ts'
import { respond } from './respond.ts'

/** `/mail-server`: makes the fake mail server fail for a while, for who asks. */
export function mailServerRoutes(refused: Set<string>): Hono {
  const routes = new Hono()
  routes.put('/refused', (c) => {
    refused.add(readUserId(c))
    return respond(c, { refused: [...refused] })
  })
  routes.delete('/refused', (c) => {
    refused.delete(readUserId(c))
    return respond(c, { refused: [...refused] })
  })
  return routes
}
