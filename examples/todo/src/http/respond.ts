import type { Context } from 'hono'
import { internalProblem, toProblem } from './problem.ts'

/** JSON with a line's end, so that a terminal's prompt stands below it. */
export function respond(c: Context, body: object, status = 200): Response {
  return c.body(`${JSON.stringify(body)}\n`, status as 200, { 'Content-Type': 'application/json' })
}

export function respondProblem(c: Context, error: unknown): Response {
  const problem = toProblem(error) ?? internalProblem
  return c.body(`${JSON.stringify(problem)}\n`, problem.status as 500, {
    'Content-Type': 'application/problem+json',
  })
}
