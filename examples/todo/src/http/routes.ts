import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { systemClock, type Clock } from 'tidings'
import { TodoList } from '../listing/todo-list.ts'
import type { TodoApp } from '../modules.ts'
import { accessRoutes } from './access-routes.ts'
import { deadLetterRoutes } from './dead-letter-routes.ts'
import { feedRoutes } from './feed.ts'
import { onlyFromHere } from './guard.ts'
import { mailServerRoutes } from './mail-server-routes.ts'
import { permissionRoutes } from './permission-routes.ts'
import { RequestError, toProblem } from './problem.ts'
import { reminderRoutes } from './reminder-routes.ts'
import { respond, respondProblem } from './respond.ts'
import { todoRoutes } from './todo-routes.ts'

const MAX_BODY_BYTES = 1024 * 1024

export interface HttpOptions {
  /** Ends the live feeds. */
  readonly stopping: AbortSignal
  /** Told of every failure that is the service's own. */
  readonly onError: (error: unknown) => void
  readonly clock?: Clock
  /** Users to whom the fake mail server takes no mails; without it there is no route to change them. */
  readonly mailServer?: Set<string>
}

/** The whole service, as one function from request to response. */
export function httpRoutes(
  app: TodoApp,
  { stopping, onError, clock = systemClock, mailServer }: HttpOptions,
): Hono {
  const routes = new Hono()
  routes.use(onlyFromHere)
  routes.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseLargeBody }))
  routes.get('/', (c) => respond(c, index))
  routes.get('/health', (c) => {
    const health = app.health()
    return respond(c, health, health.ready ? 200 : 503)
  })
  routes.route('/todos', todoRoutes(app, new TodoList(app.store)))
  routes.route('/todos/:id/reminders', reminderRoutes(app))
  routes.route('/todos/:id/permissions', permissionRoutes(app))
  routes.route('/sessions', accessRoutes(app))
  routes.route('/dead-letters', deadLetterRoutes(app))
  if (mailServer !== undefined) routes.route('/mail-server', mailServerRoutes(mailServer))
  routes.route('/feed', feedRoutes(app, { clock, stopping, onError }))
  routes.notFound((c) => respondProblem(c, unknownRoute(c)))
  routes.onError((error, c) => {
    if (toProblem(error) === undefined) onError(error)
    return respondProblem(c, error)
  })
  return routes
}

function unknownRoute(c: Context): RequestError {
  return new RequestError('ROUTE_UNKNOWN', `There is no ${c.req.method} ${c.req.path} here.`, {
    nextStep: 'GET / lists what there is.',
  })
}

function refuseLargeBody(c: Context): never {
  // The rest of the body is not read, so the connection cannot be used again.
  c.header('Connection', 'close')
  throw new RequestError('BODY_TOO_LARGE', `The body is larger than ${MAX_BODY_BYTES} bytes.`, {
    nextStep: 'Send less.',
  })
}

const index = {
  service: 'todo',
  routes: {
    'POST /todos': 'create: {"title", "description"?, "priority"?, "dueDate"?, "todoId"?}',
    'GET /todos': 'the list: ?status=open|done, ?limit=, ?after=',
    'GET /todos/:id': 'one todo',
    'PATCH /todos/:id': 'update: {"title"?, "description"?, "dueDate"?}; null takes a field away',
    'POST /todos/:id/complete': 'complete it',
    'POST /todos/:id/uncomplete': 'open it again',
    'PUT /todos/:id/priority': 'prioritize: {"priority": "low" | "medium" | "high"}',
    'DELETE /todos/:id': 'delete it: ?reason=',
    'GET /todos/:id/history': 'its events',
    'POST /todos/:id/reminders':
      'remind: {"reminderType": "email" | "push" | "in-app", "due": a time or 30s, 10m, 2h, 1d, "reminderId"?}',
    'GET /todos/:id/reminders': 'its reminders',
    'POST /todos/:id/reminders/:reminderId/snooze': 'put it off: {"minutes"}',
    'POST /todos/:id/reminders/:reminderId/dismiss': 'it was seen',
    'DELETE /todos/:id/reminders/:reminderId': 'cancel it',
    'PUT /todos/:id/permissions/:granteeId': 'grant: {"permission": "view" | "edit"}',
    'DELETE /todos/:id/permissions/:granteeId': 'revoke it',
    'POST /sessions': 'log in; the answer says the session',
    'DELETE /sessions/:sessionId': 'log out',
    'GET /dead-letters': 'what could not be handled',
    'POST /dead-letters/redrive': 'handle it again: {"subscription"}',
    'PUT /mail-server/refused': 'from now on the fake mail server refuses mails to who asks',
    'DELETE /mail-server/refused': 'it takes them again',
    'GET /feed': 'all events, live (server-sent events): ?after= or Last-Event-ID',
    'GET /health': 'whether it takes commands',
  },
  headers: {
    'Idempotency-Key': 'a UUID: the same request again gets the first answer again',
    'X-Correlation-Id': 'joins requests into one trace; a response says its own',
    'X-User-Id': 'a UUID: who asks',
  },
}
