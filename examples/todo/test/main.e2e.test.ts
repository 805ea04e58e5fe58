import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from 'tidings'
import { describe, expect, onTestFinished, test } from 'vitest'
import { onPostgres, openTestLog, testAddress } from '../../support/test-log.ts'
import { findLogFaults } from '../src/smoke/check-log.ts'
import { startService } from '../src/service.ts'
import { ROOT, run, runMain, runService, temporaryFolder } from './support/process.ts'

const CLI = join(ROOT, 'packages/cli/src/main.ts')

interface Creation {
  readonly key: string
  readonly title: string
  readonly dueDate?: string
}

async function create(url: string, { key, ...todo }: Creation): Promise<Response> {
  return fetch(`${url}/todos`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(todo),
  })
}

async function listTitles(url: string): Promise<string[]> {
  const response = await fetch(`${url}/todos?limit=1000`)
  const { todos } = (await response.json()) as { todos: { title: string }[] }
  return todos.map(({ title }) => title)
}

/** As whoever starts the service says where its log is; nothing has to be said of its own file. */
async function chosenStore(): Promise<string | undefined> {
  return onPostgres ? testAddress() : undefined
}

test('npm start -- --smoke tries everything, says what it saw and exits with 0', async () => {
  const store = await chosenStore()
  const args = ['--smoke', ...(store === undefined ? [] : ['--store', store])]
  const smoke = run('npm', ['start', '--silent', '--', ...args], { cwd: ROOT })
  expect(await smoke.ended).toBe(0)
  expect(smoke.output()).toMatch(/✓ verify and traces +clean\nSmoke test: all 26 as expected\.\n$/)
})

test('the lines that it prints work when they are pasted', async () => {
  const folder = temporaryFolder()
  const store = await chosenStore()
  const service = await runService(folder, store)
  const lines = service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim())
    .filter((line) => /^(curl|npx tidings) /.test(line))

  const tidings = `"${process.execPath}" --conditions=@tidings/source "${CLI}"`
  const shell = (line: string) =>
    run('sh', ['-c', `exec ${line.replace('npx tidings', tidings)}`], {
      // The package for PostgreSQL is found from the folder of the application.
      cwd: onPostgres ? ROOT : folder,
      env: { TIDINGS_STORE: store ?? '' },
    })
  const answer = async (line: string): Promise<string> => {
    const command = shell(line)
    expect([line, await command.ended, command.output()]).toEqual([line, 0, expect.any(String)])
    return command.output()
  }
  for (const line of lines) {
    if (line.startsWith('curl -N')) {
      const following = shell(line)
      await following.printed(/Todo.Reminder.Triggered/)
      following.child.kill()
    } else if (line.includes('dead-letters list')) {
      // The reminder is due in a second, and its mail fails a few times before it is parked.
      await expect.poll(() => answer(line), { timeout: 20_000 }).toMatch(/Todo.Reminder.Triggered/)
    } else expect(await answer(line)).toMatch(expectedOf(line))
  }
  await service.printed(/Todo.Item.Completed/)
}, 120_000)

/** What a line answers with when it does what it is there for. */
function expectedOf(line: string): RegExp {
  const expected: readonly [RegExp, RegExp][] = [
    [/\/todos -H/, /"recorded":\["Todo.Item.Created"\]/],
    [/\/complete /, /"recorded":\["Todo.Item.Completed"\]/],
    [/\/reminders /, /Todo.Reminder.Created/],
    [/tidings events/, /Todo.Item.Created[^]*Todo.Item.Completed/],
    [/tidings trace/, /Todo.Item.Create [^]*Todo.Item.Created /],
    [/tidings subscriptions/, /email/],
    [/tidings verify/, /\d+ events/],
  ]
  return expected.find(([which]) => which.test(line))?.[1] ?? /^/
}

/** How many of each type there are. */
async function countTypes(store: Store): Promise<Record<string, number>> {
  const types = await store.catalog.types()
  return Object.fromEntries(types.map(({ eventType, count }) => [eventType, count]))
}

/** The events of a log that went to topics, by key, each where it was sent first. */
async function readTopics(file: string): Promise<Map<string, number[]>> {
  const sent = new Map<string, number[]>()
  const seen = new Set<number>()
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const record = parseLine(line)
    const position = Number(record?.headers['position'])
    if (record === undefined || seen.has(position)) continue
    seen.add(position)
    const key = `${record.topic} ${record.key}`
    sent.set(key, [...(sent.get(key) ?? []), position])
  }
  return sent
}

interface SentRecord {
  readonly topic: string
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
}

/** A kill may cut a line; its record was not acknowledged, so it comes again. */
function parseLine(line: string): SentRecord | undefined {
  try {
    return JSON.parse(line) as SentRecord
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

describe('a kill -9 in the middle', () => {
  test.each([1, 2, 3])(
    'loses nothing acknowledged and does nothing twice (round %d)',
    async (round) => {
      const folder = temporaryFolder()
      const creations = Array.from({ length: 60 }, (_, index) => ({
        key: randomUUID(),
        title: `todo ${index}`,
        // Passed already, so each has a timer that is due at once.
        dueDate: '2026-01-01T00:00:00Z',
      }))
      const store = await chosenStore()
      const killed = await runService(folder, store)
      const acknowledged = new Set<string>()
      const waiting = creations.values()
      const client = async (): Promise<void> => {
        for (const creation of waiting) {
          const response = await create(killed.url, creation)
          if (response.status === 201) acknowledged.add(creation.title)
          // In the middle: some are acknowledged, some under way, some not begun.
          if (acknowledged.size === round * 10) killed.child.kill('SIGKILL')
          await response.arrayBuffer()
        }
      }
      await Promise.allSettled(Array.from({ length: 8 }, client))
      expect(await killed.ended).toBe('SIGKILL')
      expect(acknowledged.size).toBeGreaterThanOrEqual(round * 10)
      expect(acknowledged.size).toBeLessThan(60)

      const again = await runService(folder, store)
      const survivors = await listTitles(again.url)
      for (const title of acknowledged) expect(survivors).toContain(title)
      for (const creation of creations) {
        const response = await create(again.url, creation)
        expect(response.status).toBe(201)
        const isRepeated = response.headers.get('Idempotency-Replayed') === 'true'
        // The first answer again for what is in the log, and only for that.
        expect([creation.title, isRepeated]).toEqual([
          creation.title,
          survivors.includes(creation.title),
        ])
        await response.arrayBuffer()
      }
      const titles = await listTitles(again.url)
      expect(titles.toSorted()).toEqual(creations.map(({ title }) => title).toSorted())

      await using log = openTestLog(store ?? `sqlite:${join(folder, '.tidings/todo.db')}`)
      // Each once, and once what subscriptions and timers make of it, and of that.
      const each = {
        'Todo.Item.Created': 60,
        'Analytics.Task.Created': 60,
        'Analytics.Task.BecameOverdue': 60,
        'Notification.InApp.Created': 60,
      }
      await expect.poll(() => countTypes(log), { timeout: 60_000 }).toEqual(each)
      const topics = join(folder, '.tidings/todo.db.topics.ndjson')
      const sent = async (): Promise<number[]> =>
        [...(await readTopics(topics)).values()].flat().toSorted((a, b) => a - b)
      await expect.poll(async () => (await sent()).length, { timeout: 60_000 }).toBe(240)
      again.child.kill('SIGTERM')
      expect(await again.ended).toBe(0)
      expect(await findLogFaults(log)).toEqual([])
      expect(await countTypes(log)).toEqual(each)
      const positions = await log.readAll().toArray()
      expect(await sent()).toEqual(positions.map(({ position }) => position))
      for (const ofKey of (await readTopics(topics)).values())
        expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b))
    },
  )
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s stops it with exit code 0, feeds and all',
  async (signal) => {
    const service = await runService(temporaryFolder())
    const feed = await fetch(`${service.url}/feed`)
    const reader = feed.body!.getReader()
    await reader.read()
    service.child.kill(signal)
    expect(await reader.read()).toMatchObject({ done: true })
    expect(await service.ended).toBe(0)
    expect(service.output()).toMatch(
      new RegExp(
        `${signal}: finishing what is under way …\nStopped\\. Everything that was acknowledged is in the log\\.\n$`,
      ),
    )
  },
)

test('a second process on the same log shares it', async () => {
  const folder = temporaryFolder()
  const store = await chosenStore()
  const [one, two] = await Promise.all([runService(folder, store), runService(folder, store)])
  expect(one.url).not.toBe(two.url)
  const titles = Array.from({ length: 40 }, (_, index) => `todo ${index}`)
  const answers = await Promise.all(
    titles.map((title, index) =>
      create((index % 2 === 0 ? one : two).url, { key: randomUUID(), title }),
    ),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  for (const { url } of [one, two]) {
    expect((await listTitles(url)).toSorted()).toEqual(titles.toSorted())
  }
})

describe('what cannot work is told', () => {
  test.each([
    ['an unknown flag', ['--bogus'], 2, /Unknown option '--bogus'[^]*--help/],
    ['a port that is none', ['--port', 'http'], 2, /--port must be a whole number[^]*--help/],
    [
      'a store that is no file',
      ['--store', 'memory:'],
      2,
      /--store must be sqlite:FILE or postgres:[^]*--help/,
    ],
    ['help', ['--help'], 0, /Usage: npm start -- \[options\]/],
  ] as const)('%s', async (_what, args, code, message) => {
    const main = runMain(args, temporaryFolder())
    expect(await main.ended).toBe(code)
    expect(main.output()).toMatch(message)
  })

  test('a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as { readonly port: number }
    const main = runMain(['--port', String(port)], temporaryFolder())
    expect(await main.ended).toBe(1)
    expect(main.output()).toBe(`Port ${port} is taken. Choose another one: npm start -- --port 0\n`)

    // The default port is nobody's wish, so it gives way.
    const service = await startService({
      store: openTestLog(await testAddress()),
      port,
      orFreePort: true,
    })
    expect(Number(new URL(service.url).port)).not.toBe(port)
    await service.close()
  })

  test('a store that is a folder', async () => {
    const folder = temporaryFolder()
    const main = runMain(['--port', '0', '--store', `sqlite:${folder}`], folder)
    expect(await main.ended).toBe(1)
    expect(main.output()).toContain(folder)
    expect(main.output()).not.toMatch(/^ +at /m)
  })
})
