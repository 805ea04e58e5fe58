import { Hono, type Context, type MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { allocationsOf } from '../allocations-view.ts'
import type { AllocationApp } from '../app.ts'
import {
  Allocate,
  Allocated,
  ChangeBatchQuantity,
  CreateBatch,
  Deallocate,
} from '../stock/contracts.ts'

/** The entry points: a request becomes a command; a question is answered from the read model. */
export function allocationRoutes(app: AllocationApp): Hono {
  const routes = new Hono()
  routes.use(onlyFromHere)
  routes.post('/batches', async (c) => {
    const { state } = await app.send(CreateBatch, await readBody<typeof CreateBatch>(c))
    return c.json(state, 201)
  })
  routes.put('/batches/:ref/quantity', async (c) => {
    const body = await readBody<typeof ChangeBatchQuantity>(c)
    const { state } = await app.send(ChangeBatchQuantity, { ...body, ref: c.req.param('ref') })
    return c.json(state)
  })
  routes.post('/allocations', async (c) => {
    const { events } = await app.send(Allocate, await readBody<typeof Allocate>(c))
    const allocated = events.find((event) => Allocated.is(event))
    if (allocated !== undefined) return c.json({ batchRef: allocated.payload.batchRef }, 201)
    return c.json({ outOfStock: events.length > 0 }, 200)
  })
  routes.delete('/allocations/:orderId/:sku', async (c) => {
    await app.send(Deallocate, c.req.param())
    return c.body(null, 204)
  })
  routes.get('/allocations/:orderId', async (c) => {
    const rows = await allocationsOf(app.store, c.req.param('orderId'))
    return rows.length === 0 ? c.json({ code: 'ORDER_UNKNOWN' }, 404) : c.json(rows)
  })
  routes.onError(answerError)
  return routes
}

/**
 * Only JSON is taken: a page of another site can send a form here unasked, but not that. What fits is
 * for the command's contract to say.
 */
async function readBody<C extends { readonly '~input': unknown }>(
  c: Context,
): Promise<C['~input'] & object> {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new HTTPException(415, { message: 'The body must be application/json.' })
  const body: unknown = await c.req.json().catch(() => undefined)
  if (typeof body !== 'object' || body === null)
    throw new HTTPException(400, { message: 'The body must be one JSON object.' })
  return body
}

/** Other sites could reach it through the browser of whoever runs it, under a name of theirs. */
const onlyFromHere: MiddlewareHandler = async (c, next) => {
  const host = c.req.header('host') ?? ''
  const origin = c.req.header('origin')
  const isHere = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)
  if (!isHere || (origin !== undefined && origin !== `http://${host}`))
    throw new HTTPException(403, { message: 'This service answers to this machine only.' })
  return next()
}

const statuses: Readonly<Record<string, number>> = {
  SKU_UNKNOWN: 404,
  BATCH_UNKNOWN: 404,
  LINE_UNKNOWN: 404,
  BATCH_EXISTS: 409,
  LINE_DIFFERS: 409,
  TIDINGS_PAYLOAD_INVALID: 422,
  TIDINGS_CONCURRENCY_CONFLICT: 409,
  TIDINGS_CLOSED: 503,
}

function answerError(error: Error & { readonly code?: unknown }, c: Context): Response {
  if (error instanceof HTTPException) return c.json({ message: error.message }, error.status)
  const status = typeof error.code === 'string' ? statuses[error.code] : undefined
  if (status !== undefined)
    return c.json({ code: error.code as string, message: error.message }, status as 500)
  console.error('allocation:', error)
  return c.json({ code: 'INTERNAL' }, 500)
}
