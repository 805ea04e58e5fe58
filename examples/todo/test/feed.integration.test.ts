import { connect } from 'node:net'
import type { Clock } from 'tidings'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openTestLog, testAddress } from '../../support/test-log.ts'
import { startService, type Service } from '../src/service.ts'
import { readFeed, type FeedMessage } from '../src/smoke/feed-reader.ts'

async function start(clock?: Clock, address?: string): Promise<Service> {
  const service = await startService({
    store: openTestLog(address ?? (await testAddress())),
    port: 0,
    // Nothing follows: the feed holds what was asked for, and no more.
    delivery: { run: false },
    onError: (error) => expect.fail(`no error is expected: ${String(error)}`),
    ...(clock === undefined ? {} : { clock }),
  })
  onTestFinished(() => service.close())
  return service
}

async function create({ url }: Service, title: string): Promise<void> {
  const response = await fetch(`${url}/todos`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ title }),
  })
  expect(response.status).toBe(201)
  await response.arrayBuffer()
}

const titleOf = ({ data }: FeedMessage): unknown =>
  (JSON.parse(data) as { payload: { title: string } }).payload.title

async function take(feed: AsyncGenerator<FeedMessage>, count: number): Promise<FeedMessage[]> {
  const messages: FeedMessage[] = []
  for (let index = 0; index < count; index++) {
    const { value, done } = await feed.next()
    if (done === true) throw new Error(`The feed ended after ${index} of ${count} messages.`)
    messages.push(value)
  }
  return messages
}

test('a feed sends what was before, then what comes, in order of position', async () => {
  const service = await start()
  await create(service, 'a')
  await create(service, 'b')
  const feed = readFeed(`${service.url}/feed?after=0`)
  expect((await take(feed, 2)).map(titleOf)).toEqual(['a', 'b'])
  await create(service, 'c')
  const [third] = await take(feed, 1)
  expect(third).toMatchObject({ id: '3', event: 'Todo.Item.Created' })
  expect(JSON.parse(third!.data)).toMatchObject({
    event_type: 'Todo.Item.Created',
    position: 3,
    stream_version: 1,
    payload: { title: 'c' },
  })
  await feed.return(undefined)
})

test('a feed without a position begins with what comes now', async () => {
  const service = await start()
  await create(service, 'before')
  const response = await fetch(`${service.url}/feed`)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader.read()).value).toBe(': listening after position 1\n\n')
  await create(service, 'after')
  expect((await reader.read()).value).toMatch(
    /^event: Todo.Item.Created\ndata: .*"after".*\nid: 2\n\n$/,
  )
  await reader.cancel()
})

test('a feed that broke off goes on after the last message, with nothing missed and nothing twice', async () => {
  const service = await start()
  for (const title of ['a', 'b', 'c']) await create(service, title)
  const first = readFeed(`${service.url}/feed?after=0`)
  const seen = await take(first, 2)
  await first.return(undefined)
  await create(service, 'd')
  // As a browser does it, which repeats the address, `after` included.
  const headers = { 'Last-Event-ID': seen.at(-1)!.id }
  const second = readFeed(`${service.url}/feed?after=0`, { headers })
  expect([...seen, ...(await take(second, 2))].map(titleOf)).toEqual(['a', 'b', 'c', 'd'])
  await second.return(undefined)
})

test('a feed goes on across a restart of the service', async () => {
  const address = await testAddress()
  const before = await start(undefined, address)
  for (const title of ['a', 'b']) await create(before, title)
  const first = readFeed(`${before.url}/feed?after=0`)
  const seen = await take(first, 2)
  await before.close()
  expect(await first.next()).toMatchObject({ done: true })

  const after = await start(undefined, address)
  await create(after, 'c')
  const headers = { 'Last-Event-ID': seen.at(-1)!.id }
  const [next] = await take(readFeed(`${after.url}/feed`, { headers }), 1)
  expect([next?.id, titleOf(next!)]).toEqual(['3', 'c'])
})

test('a feed tells what another process commits to the same log', async () => {
  const address = await testAddress()
  const [here, elsewhere] = [await start(undefined, address), await start(undefined, address)]
  const feed = readFeed(`${here.url}/feed?after=0`)
  await create(elsewhere, 'from elsewhere')
  expect((await take(feed, 1)).map(titleOf)).toEqual(['from elsewhere'])
  const list = (await (await fetch(`${here.url}/todos`)).json()) as { todos: { title: string }[] }
  expect(list.todos.map(({ title }) => title)).toEqual(['from elsewhere'])
  await feed.return(undefined)
})

test('a silent feed is kept alive by its heartbeat', async () => {
  const beats: (() => void)[] = []
  const clock: Clock = {
    now: () => Date.now(),
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        if (ms === 15_000) beats.push(resolve)
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      }),
  }
  const service = await start(clock)
  const response = await fetch(`${service.url}/feed`)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader.read()).value).toMatch(/^: listening/)
  for (let turn = 1; turn <= 2; turn++) {
    await vi.waitFor(() => expect(beats).toHaveLength(turn))
    beats.at(-1)!()
    expect((await reader.read()).value).toBe(': still here\n\n')
  }
  await reader.cancel()
})

test('many feeds each get everything, also those that read slowly', async () => {
  const service = await start()
  const feeds = Array.from({ length: 8 }, () => readFeed(`${service.url}/feed?after=0`))
  const titles = Array.from({ length: 20 }, (_, index) => `todo ${index} ${'x'.repeat(400)}`)
  for (const title of titles) await create(service, title)
  for (const feed of feeds) expect((await take(feed, 20)).map(titleOf)).toEqual(titles)
  await Promise.all(feeds.map((feed) => feed.return(undefined)))
})

test('a stop ends open feeds, lets go of idle connections and finishes the request under way', async () => {
  // Time stands still, so nothing of it is the grace that would end connections by force.
  const clock: Clock = {
    now: () => Date.now(),
    sleep: (_ms, { signal } = {}) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      }),
  }
  const service = await start(clock)
  const port = Number(new URL(service.url).port)
  const feed = readFeed(`${service.url}/feed?after=0`)
  await create(service, 'a')
  await take(feed, 1)
  const unused = connect(port, '127.0.0.1')
  await new Promise((resolve) => unused.once('connect', resolve))
  const slow = connect(port, '127.0.0.1')
  const body = '{"title":"slow"}'
  const head = [
    'POST /todos HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    // The answer to it proves that the server has the head, and waits for the rest.
    'Expect: 100-continue',
  ].join('\r\n')
  let answer = ''
  slow.on('data', (data) => (answer += String(data)))
  const ended = Promise.all(
    [unused, slow].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
  )
  slow.write(`${head}\r\n\r\n${body.slice(0, 5)}`)
  await vi.waitFor(() => expect(answer).toMatch(/^HTTP\/1.1 100 Continue/))
  answer = ''

  const startedAt = performance.now()
  const stopped = service.stopRequests()
  expect(await feed.next()).toMatchObject({ done: true })
  await expect(fetch(`${service.url}/todos`)).rejects.toThrow()
  slow.write(body.slice(5))
  await stopped
  await ended
  // Left to themselves, connections without a request are held for another 4 to 5 seconds.
  expect(performance.now() - startedAt).toBeLessThan(3_000)
  expect(answer).toMatch(/^HTTP\/1.1 201 Created/)
  expect(await service.app.store.head()).toBe(2)
})

test('a client that never ends its request is given up when its grace is over', async () => {
  const graces: (() => void)[] = []
  const clock: Clock = {
    now: () => Date.now(),
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        if (ms === 5_000) graces.push(resolve)
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      }),
  }
  const service = await start(clock)
  const stuck = connect(Number(new URL(service.url).port), '127.0.0.1')
  stuck.on('error', () => undefined)
  const closed = new Promise((resolve) => stuck.once('close', resolve))
  stuck.write(
    'POST /todos HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  )
  await create(service, 'a')
  const stopped = service.stopRequests()
  await vi.waitFor(() => expect(graces).toHaveLength(1))
  graces[0]!()
  await stopped
  await closed
})
