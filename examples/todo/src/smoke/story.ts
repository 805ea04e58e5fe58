import { randomUUID } from 'node:crypto'
import { systemClock } from 'tidings'
import type { FeedWatch, SeenEvent } from './feed-watch.ts'
import { finding, type Finding } from './finding.ts'

/** Far more than any chapter takes. */
const CHAPTER_MS = 10_000

/** What a chapter is told with. */
interface World {
  readonly url: string
  readonly feed: FeedWatch
  readonly signal: AbortSignal
}

interface Chapter {
  readonly name: string
  /** The events that come, `Family.Subject.Verb` without the family, or a word. */
  readonly expected: string
  readonly tell: (world: World) => Promise<string>
}

/** Everything that does not end with the answer to a request: by the clock, by handlers, by dead letters. */
export async function tellStory(
  url: string,
  feed: FeedWatch,
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { name, expected, tell } of chapters) {
    const world = { url, feed, signal: AbortSignal.any([signal, AbortSignal.timeout(CHAPTER_MS)]) }
    const seen = await tell(world).catch((error: unknown) => String(error))
    findings.push(finding(name, expected, seen))
  }
  return findings
}

const chapters: readonly Chapter[] = [
  {
    name: 'log in, log out',
    expected: 'Access.LoggedIn Access.LoggedOut User.LoggedIn User.LoggedOut',
    tell: async (world) => {
      const user = randomUUID()
      const { sessionId } = await ask<{ sessionId: string }>(world, 'POST /sessions', { user })
      await ask(world, `DELETE /sessions/${sessionId}`, { user })
      return come(world, 4, of(user))
    },
  },
  {
    name: 'a due date passes',
    expected: 'InApp.Created Item.Created Task.BecameOverdue Task.Created',
    tell: async (world) => {
      const user = randomUUID()
      await newTodo(world, user, { dueDate: new Date(Date.now() + 100).toISOString() })
      return come(world, 4, of(user))
    },
  },
  {
    name: 'reminders trigger',
    expected:
      'Email.Sent InApp.Created Push.Sent Reminder.Triggered Reminder.Triggered Reminder.Triggered',
    tell: async (world) => {
      const user = randomUUID()
      const todo = await newTodo(world, user)
      for (const type of ['email', 'push', 'in-app'])
        await remind(world, todo, { type, due: '50ms' })
      const isWanted = /^Notification|Triggered$/
      return come(world, 6, (event) => of(user)(event) && isWanted.test(event.event_type))
    },
  },
  {
    name: 'snooze, dismiss',
    expected: 'Reminder.Created Reminder.Dismissed Reminder.Snoozed',
    tell: async (world) => {
      const todo = await newTodo(world, randomUUID())
      const reminder = await remind(world, todo, { type: 'push', due: '1h' })
      await ask(world, `POST ${reminder}/snooze`, { user: todo.user, json: { minutes: 5 } })
      await ask(world, `POST ${reminder}/dismiss`, { user: todo.user })
      return come(world, 3, ofReminder(reminder))
    },
  },
  {
    name: 'done in time, not reminded',
    expected: 'Reminder.Cancelled Reminder.Created',
    tell: async (world) => {
      const [todo, other] = [await newTodo(world, randomUUID()), await newTodo(world, randomUUID())]
      const reminder = await remind(world, todo, { type: 'push', due: '500ms' })
      await ask(world, `POST ${todo.path}/complete`, { user: todo.user })
      const later = await remind(world, other, { type: 'push', due: '600ms' })
      // When a later one has triggered, this one would have.
      await come(world, 2, ofReminder(later))
      return come(world, 2, ofReminder(reminder))
    },
  },
  {
    name: 'productivity of a window',
    expected: 'Productivity.Measured',
    tell: async (world) => {
      const { user, path } = await newTodo(world, randomUUID())
      await ask(world, `POST ${path}/complete`, { user })
      const isMeasured = /^Analytics.Productivity/
      return come(world, 1, (event) => of(user)(event) && isMeasured.test(event.event_type))
    },
  },
  {
    name: 'share, take back',
    expected: 'InApp.Created Permission.Granted Permission.Revoked',
    tell: async (world) => {
      const { path, user } = await newTodo(world, randomUUID())
      const friend = randomUUID()
      const permission = `${path}/permissions/${friend}`
      await ask(world, `PUT ${permission}`, { user, json: { permission: 'view' } })
      await ask(world, `DELETE ${permission}`, { user })
      return come(world, 3, of(friend))
    },
  },
  {
    name: 'mails that are refused',
    expected: '1 failed, 1 behind it; another user has theirs; redriven done, in order',
    tell: tellOfRefusedMails,
  },
]

async function tellOfRefusedMails(world: World): Promise<string> {
  const todo = await newTodo(world, randomUUID())
  const other = await newTodo(world, randomUUID())
  await ask(world, 'PUT /mail-server/refused', { user: todo.user })
  await remind(world, todo, { type: 'email', due: '0s' })
  await come(world, 1, triggered(todo))
  await remind(world, todo, { type: 'email', due: '1ms' })
  const letters = await deadLetters(world, 2)
  await remind(world, other, { type: 'email', due: '0s' })
  await come(world, 1, mailed(other))

  await ask(world, 'DELETE /mail-server/refused', { user: todo.user })
  const json = { subscription: 'email' }
  const { state } = await ask<{ state: string }>(world, 'POST /dead-letters/redrive', { json })
  await deadLetters(world, 0)
  const due = await dueDates(world, todo, 2)
  const isInOrder = due.length === 2 && due[0]! < due[1]!
  const [failed, behind] = ['failed', 'behind'].map(
    (reason) => letters.filter((letter) => letter.reason === reason).length,
  )
  return `${failed} failed, ${behind} behind it; another user has theirs; redriven ${state}, ${isInOrder ? 'in order' : 'OUT OF ORDER'}`
}

interface TodoOf {
  readonly user: string
  readonly path: string
}

async function newTodo(world: World, user: string, more: object = {}): Promise<TodoOf> {
  const todoId = randomUUID()
  await ask(world, 'POST /todos', { user, json: { todoId, title: 'Water the plants', ...more } })
  return { user, path: `/todos/${todoId}` }
}

/** @returns the path of the reminder */
async function remind(
  world: World,
  { user, path }: TodoOf,
  { type, due }: { readonly type: string; readonly due: string },
): Promise<string> {
  const reminderId = randomUUID()
  const json = { reminderId, reminderType: type, due }
  await ask(world, `POST ${path}/reminders`, { user, json })
  return `${path}/reminders/${reminderId}`
}

interface Letter {
  readonly reason: string
}

async function deadLetters(world: World, count: number): Promise<readonly Letter[]> {
  for (;;) {
    const { deadLetters } = await ask<{ deadLetters: Letter[] }>(world, 'GET /dead-letters')
    if (deadLetters.length === count) return deadLetters
    await systemClock.sleep(20, { signal: world.signal })
  }
}

/** When the reminders were due of which the mails tell, in the order of the mails. */
async function dueDates(world: World, todo: TodoOf, count: number): Promise<string[]> {
  const mails = await world.feed.until(mailed(todo), count, world.signal)
  return mails.map(({ payload }) => String(payload['text']))
}

type Wanted = (event: SeenEvent) => boolean

const of =
  (user: string): Wanted =>
  ({ payload }) =>
    payload['userId'] === user || payload['granteeId'] === user
const ofReminder =
  (path: string): Wanted =>
  ({ event_type: type, payload }) =>
    type.startsWith('Todo.Reminder.') && path.endsWith(String(payload['reminderId']))
const triggered =
  ({ user }: TodoOf): Wanted =>
  (event) =>
    event.event_type === 'Todo.Reminder.Triggered' && of(user)(event)
const mailed =
  ({ user }: TodoOf): Wanted =>
  (event) =>
    event.event_type === 'Notification.Email.Sent' && of(user)(event)

/** Waits for so many, and answers with all that are there then, in alphabetical order. */
async function come({ feed, signal }: World, count: number, wanted: Wanted): Promise<string> {
  await feed.until(wanted, count, signal)
  const types = feed.seen(wanted).map(({ event_type: type }) => type.slice(type.indexOf('.') + 1))
  return types.toSorted().join(' ')
}

async function ask<Answer = unknown>(
  { url, signal }: World,
  request: string,
  { user, json }: { readonly user?: string; readonly json?: object } = {},
): Promise<Answer> {
  const [method = '', path = ''] = request.split(' ')
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(user === undefined ? {} : { 'X-User-Id': user }),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    signal,
  })
  const answer = await response.text()
  if (!response.ok) throw new Error(`${request} was answered with ${response.status}: ${answer}`)
  return JSON.parse(answer) as Answer
}
