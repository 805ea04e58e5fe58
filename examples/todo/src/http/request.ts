import { isUuid, nameId, nearestNames, newId, type SendOptions } from 'tidings'
import type { Context } from 'hono'
import { TodoError } from '../todo/todo-error.ts'
import { RequestError } from './problem.ts'

/** Nobody logs in here: without the header `X-User-Id`, all that is done is done by this one. */
export const DEMO_USER = '00000000-0000-4000-8000-000000000001'

/**
 * The body of a request: one JSON object with no other fields than these.
 *
 * Only `application/json` is taken. A page of another site can send a form or plain text here without
 * being asked, but not that.
 */
export async function readBody<Field extends string>(
  c: Context,
  fields: readonly Field[],
): Promise<Partial<Record<Field, unknown>>> {
  const contentType = c.req.header('content-type') ?? 'none'
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new RequestError(
      'CONTENT_TYPE_UNSUPPORTED',
      `The body must be application/json, got ${contentType}.`,
      { nextStep: "Add the header 'Content-Type: application/json'." },
    )
  }
  const body = parseJson(await c.req.text())
  refuseUnknownFields(Object.keys(body), fields)
  return body
}

function parseJson(text: string): object {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    // Only the place: the rest of the message quotes the body, which may hold what no log should.
    const [place = ''] = / at position .*$/.exec((error as Error).message) ?? []
    throw notAnObject(`The body is no JSON${place}.`)
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw notAnObject('The body must be one JSON object.')
}

function notAnObject(message: string): RequestError {
  return new RequestError('BODY_NOT_JSON', message, {
    nextStep: 'Send a JSON object, for example {"title":"Water the plants"}.',
  })
}

/** A misspelt field is refused rather than ignored, and told by name: the contract hides such issues
 * where a field beside it is sensitive. */
function refuseUnknownFields(given: readonly string[], fields: readonly string[]): void {
  const unknown = given.filter((field) => !fields.includes(field))
  if (unknown.length === 0) return
  const expected = `one of ${fields.join(', ')}`
  const [nearest] = unknown.flatMap((field) => nearestNames(field, fields))
  throw new RequestError('FIELD_UNKNOWN', `This request has no field ${unknown.join(', ')}.`, {
    nextStep:
      nearest === undefined
        ? `It takes ${fields.join(', ')}. Who asks is said by the header X-User-Id.`
        : `Did you mean '${nearest}'?`,
    issues: unknown.map((field) => ({ pointer: `/${field}`, expected, actual: 'another field' })),
  })
}

/** Which todo the path names. Whatever is no UUID is the id of no todo. */
export function readTodoId(c: Context): string {
  const id = c.req.param('id') ?? ''
  if (isUuid(id)) return id.toLowerCase()
  throw new TodoError('TODO_UNKNOWN', id)
}

/** Who asks. */
export function readUserId(c: Context): string {
  return readUuidHeader(c, 'X-User-Id') ?? DEMO_USER
}

/** Which todo, and who asks. */
export function subjectOf(c: Context): { readonly todoId: string; readonly userId: string } {
  return { todoId: readTodoId(c), userId: readUserId(c) }
}

/** A new id; the same for the same Idempotency-Key: a repeated creation is one request, not two. */
export function idFor(c: Context, what: string): string {
  const key = readIdempotencyKey(c)
  return key === undefined ? newId() : nameId(`${what} ${key}`)
}

/** A UUID that makes the request harmless to repeat: the second answer is the first one again. */
function readIdempotencyKey(c: Context): string | undefined {
  return readUuidHeader(c, 'Idempotency-Key')
}

function readUuidHeader(c: Context, name: string): string | undefined {
  const value = c.req.header(name)
  if (value === undefined || isUuid(value)) return value?.toLowerCase()
  throw new RequestError('HEADER_INVALID', `The header ${name} must be a UUID.`, {
    nextStep: `Make one, for example with 'uuidgen', or leave the header out.`,
  })
}

/** How a command goes on its way: what makes it idempotent, what trace it belongs to, who asks. */
export function readSendOptions(c: Context): SendOptions {
  const commandId = readIdempotencyKey(c)
  const correlationId = c.req.header('X-Correlation-Id')
  return {
    actor: readUserId(c),
    ...(commandId === undefined ? {} : { commandId }),
    ...(correlationId === undefined || correlationId === '' ? {} : { correlationId }),
  }
}

/** A whole number of the query string. */
export function readNumber(
  c: Context,
  name: string,
  limits: { readonly from: number; readonly to: number },
): number | undefined {
  const text = c.req.query(name)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= limits.from && value <= limits.to) return value
  throw new RequestError(
    'QUERY_INVALID',
    `'${name}' must be a whole number from ${limits.from} to ${limits.to}.`,
    { nextStep: `Correct '${name}', or leave it out.` },
  )
}
