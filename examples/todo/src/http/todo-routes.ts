import { Hono, type Context } from 'hono'
import { toWire, type Envelope, type Sent } from 'tidings'
import type { TodoList } from '../listing/todo-list.ts'
import {
  CompleteTodo,
  CreateTodo,
  DeleteTodo,
  PrioritizeTodo,
  UncompleteTodo,
  UpdateTodo,
} from '../todo/contracts.ts'
import type { TodoApp } from '../modules.ts'
import { TodoError } from '../todo/todo-error.ts'
import { Todo, type TodoState } from '../todo/todo.ts'
import { RequestError } from './problem.ts'
import { respond, respondSent } from './respond.ts'
import {
  idFor,
  readBody,
  readNumber,
  readSendOptions,
  readTodoId,
  readUserId,
  subjectOf,
} from './request.ts'
import { toView } from './todo-view.ts'

const PAGE = 100
const LARGEST_PAGE = 1_000

/** `/todos`: requests become commands, and what the commands answer becomes responses. */
export function todoRoutes(app: TodoApp, list: TodoList): Hono {
  const routes = new Hono()
  addReading(routes, app, list)
  addWriting(routes, app)
  return routes
}

function addWriting(routes: Hono, app: TodoApp): void {
  routes.post('/', async (c) => {
    const body = await readBody(c, ['todoId', 'title', 'description', 'priority', 'dueDate'])
    const todoId = (body.todoId as string | undefined) ?? idFor(c, 'todo')
    const input = { ...body, todoId, userId: readUserId(c) } as (typeof CreateTodo)['~input']
    const sent = await app.send(CreateTodo, input, readSendOptions(c))
    c.header('Location', `/todos/${todoId}`)
    return answer(c, todoId, sent, 201)
  })
  routes.patch('/:id', async (c) => {
    const changes = await readBody(c, ['title', 'description', 'dueDate'])
    const input = { ...changes, ...subjectOf(c) } as (typeof UpdateTodo)['~input']
    return answer(c, input.todoId, await app.send(UpdateTodo, input, readSendOptions(c)))
  })
  routes.post('/:id/complete', async (c) => {
    const input = subjectOf(c)
    return answer(c, input.todoId, await app.send(CompleteTodo, input, readSendOptions(c)))
  })
  routes.post('/:id/uncomplete', async (c) => {
    const input = subjectOf(c)
    return answer(c, input.todoId, await app.send(UncompleteTodo, input, readSendOptions(c)))
  })
  routes.put('/:id/priority', async (c) => {
    const input = {
      ...(await readBody(c, ['priority'])),
      ...subjectOf(c),
    } as (typeof PrioritizeTodo)['~input']
    return answer(c, input.todoId, await app.send(PrioritizeTodo, input, readSendOptions(c)))
  })
  routes.delete('/:id', async (c) => {
    const reason = c.req.query('reason')
    const input = { ...subjectOf(c), ...(reason === undefined ? {} : { reason }) }
    return answer(c, input.todoId, await app.send(DeleteTodo, input, readSendOptions(c)))
  })
}

function answer(
  c: Context,
  todoId: string,
  sent: Sent<TodoState, Envelope>,
  status: 200 | 201 = 200,
): Response {
  return respondSent(c, sent, { todo: toView(todoId, sent.state) }, status)
}

function addReading(routes: Hono, app: TodoApp, list: TodoList): void {
  routes.get('/', async (c) => {
    const limit = readNumber(c, 'limit', { from: 1, to: LARGEST_PAGE }) ?? PAGE
    const after = readNumber(c, 'after', { from: 0, to: Number.MAX_SAFE_INTEGER }) ?? 0
    const status = readStatus(c)
    const wanted = (await list.rows()).filter(
      (row) => row.position > after && (status === undefined || row.status === status),
    )
    const todos = wanted.slice(0, limit)
    const last = todos.at(-1)
    if (last === undefined || wanted.length <= limit) return respond(c, { todos })
    const query = new URLSearchParams({ ...c.req.query(), after: String(last.position) })
    return respond(c, { todos, next: `/todos?${query.toString()}` })
  })
  routes.get('/:id', async (c) => {
    const todoId = readTodoId(c)
    const { state, version } = await app.store.load(Todo, todoId)
    if (state.status === 'none') throw new TodoError('TODO_UNKNOWN', todoId)
    if (state.status === 'deleted') throw new TodoError('TODO_DELETED', todoId)
    return respond(c, { todo: toView(todoId, state), version })
  })
  routes.get('/:id/history', async (c) => {
    const todoId = readTodoId(c)
    const events = await app.store.readStream(`${Todo.type}/${todoId}`).toArray()
    if (events.length === 0) throw new TodoError('TODO_UNKNOWN', todoId)
    return respond(c, { todoId, events: events.map(toWire) })
  })
}

function readStatus(c: Context): 'open' | 'done' | undefined {
  const status = c.req.query('status')
  if (status === undefined || status === 'open' || status === 'done') return status
  throw new RequestError('QUERY_INVALID', "'status' must be open or done.", {
    nextStep: "Correct 'status', or leave it out for both.",
  })
}
