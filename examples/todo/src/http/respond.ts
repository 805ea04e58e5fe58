import type { Context } from 'hono'
import type { Envelope, Sent } from 'tidings'
import { internalProblem, toProblem } from './problem.ts'

/** JSON with a line's end, so that a terminal's prompt stands below it. */
export function respond(c: Context, body: object, status = 200): Response {
  return c.body(`${JSON.stringify(body)}\n`, status as 200, { 'Content-Type': 'application/json' })
}

/** What a command led to. */
export function respondSent(
  c: Context,
  { correlationId, repeated, events }: Sent<unknown, Envelope, unknown>,
  body: object,
  status: 200 | 201 = 200,
): Response {
  // With it, `tidings trace` shows what the request led to.
  c.header('X-Correlation-Id', correlationId)
  if (repeated) c.header('Idempotency-Replayed', 'true')
  const recorded = events.map(({ eventType }) => eventType)
  return respond(c, { ...body, recorded, correlationId }, status)
}

export function respondProblem(c: Context, error: unknown): Response {
  const problem = toProblem(error) ?? internalProblem
  return c.body(`${JSON.stringify(problem)}\n`, problem.status as 500, {
    'Content-Type': 'application/problem+json',
  })
}
