import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { sqlite } from 'tidings/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findLogFaults } from '../src/smoke/check-log.ts'
import { FeedWatch } from '../src/smoke/feed-watch.ts'
import { startService } from '../src/service.ts'
import { ROOT, run, runMain, runService, temporaryFolder } from './support/process.ts'

const CLI = join(ROOT, 'packages/cli/src/main.ts')

interface Creation {
  readonly key: string
  readonly title: string
}

async function create(url: string, { key, title }: Creation): Promise<Response> {
  return fetch(`${url}/todos`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify({ title }),
  })
}

async function listTitles(url: string): Promise<string[]> {
  const response = await fetch(`${url}/todos?limit=1000`)
  const { todos } = (await response.json()) as { todos: { title: string }[] }
  return todos.map(({ title }) => title)
}

test('npm start -- --smoke tries everything, says what it saw and exits with 0', async () => {
  const smoke = run('npm', ['start', '--silent', '--', '--smoke'], { cwd: ROOT })
  expect(await smoke.ended).toBe(0)
  expect(smoke.output()).toMatch(/✓ verify and traces +clean\nSmoke test: all 26 as expected\.\n$/)
})

test('the lines that it prints work when they are pasted', async () => {
  const folder = temporaryFolder()
  const service = await runService(folder)
  const lines = service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim())
    .filter((line) => /^(curl|npx tidings) /.test(line))

  const shell = (line: string) => run('sh', ['-c', line], { cwd: folder })
  const [post = '', complete = '', feed = ''] = curls
  const expected: readonly [string, RegExp][] = [
    [post, /"recorded":\["Todo.Item.Created"\]/],
    [complete, /"recorded":\["Todo.Item.Completed"\]/],
  ]
  for (const [line, answer] of expected) {
    const curl = shell(line)
    expect(await curl.ended).toBe(0)
    expect(curl.output()).toMatch(answer)
  }
  const following = shell(`exec ${feed}`)
  await following.printed(/Todo.Item.Created[^]*Todo.Item.Completed/)
  following.child.kill()
  await service.printed(/1 {2}Todo.Item.Created .*\n +2 {2}Todo.Item.Completed/)

  const tidings = `"${process.execPath}" --conditions=@tidings/source "${CLI}"`
  const seen: Record<string, RegExp> = {
    events: /Todo.Item.Created[^]*Todo.Item.Completed/,
    trace: /Todo.Item.Create [^]*Todo.Item.Created [^]*Todo.Item.Complete [^]*Todo.Item.Completed /,
    verify: /2 events/,
  }
  for (const line of verbs) {
    const verb = shell(line.replace('npx tidings', tidings))
    expect([line, await verb.ended, verb.output()]).toEqual([line, 0, expect.any(String)])
    expect(verb.output()).toMatch(seen[line.split(' ')[2] ?? ''] ?? /no such verb is expected/)
  }
})

describe('a kill -9 in the middle', () => {
  test.each([1, 2, 3])(
    'loses nothing acknowledged and does nothing twice (round %d)',
    async (round) => {
      const folder = temporaryFolder()
      const creations = Array.from({ length: 60 }, (_, index) => ({
        key: randomUUID(),
        title: `todo ${index}`,
      }))
      const killed = await runService(folder)
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

      const again = await runService(folder)
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

      again.child.kill('SIGTERM')
      expect(await again.ended).toBe(0)
      await using store = sqlite(join(folder, '.tidings/todo.db'))
      expect(await findLogFaults(store)).toEqual([])
      expect(await store.catalog.stats()).toMatchObject({ events: 60, streams: 60, commands: 60 })
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

test('a second process on the same file shares the log', async () => {
  const folder = temporaryFolder()
  const [one, two] = await Promise.all([runService(folder), runService(folder)])
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
    ['a store that is no file', ['--store', 'memory:'], 2, /--store must be sqlite:FILE[^]*--help/],
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
      store: sqlite(join(temporaryFolder(), 'todo.db')),
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
