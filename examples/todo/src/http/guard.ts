import type { MiddlewareHandler } from 'hono'
import { RequestError } from './problem.ts'

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/**
 * Keeps other sites out. They can reach a service on this machine through the browser of whoever runs
 * it: directly, which `Origin` tells, or under a name of theirs that they point at 127.0.0.1, which
 * `Host` tells.
 */
export const onlyFromHere: MiddlewareHandler = async (c, next) => {
  const host = c.req.header('host') ?? ''
  const origin = c.req.header('origin')
  const isHere = LOOPBACK.has(host.replace(/:\d+$/, ''))
  if (isHere && (origin === undefined || origin === `http://${host}`)) return next()
  throw new RequestError('ORIGIN_FOREIGN', 'This service answers to this machine only.', {
    nextStep: 'Call it by 127.0.0.1, from no page of another site.',
  })
}
