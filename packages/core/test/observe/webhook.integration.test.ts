import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Alert } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import { webhook, type WebhookOptions } from '../../src/observe/webhook.ts'
import { manualClock } from '../support/fake-clock.ts'
import { eventOf, handle, openObservations } from './facts.ts'

interface Received {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

/** @param statuses the answers, in order; the last one again and again; 0: the connection is cut */
async function startServer(statuses: readonly number[]) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const { method, url: path, headers } = request
      received.push({ method, path, headers, body: text === '' ? '' : JSON.parse(text) })
      const status = statuses[Math.min(received.length, statuses.length) - 1]!
      if (status === 0) request.socket.destroy()
      // A redirect that is followed would be asked for here, too.
      else response.writeHead(status, { location: path }).end('an answer that nobody reads')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { received, url: `http://127.0.0.1:${port}/hooks/secret-token?key=1` }
}

function start(url: string, options: WebhookOptions = {}) {
  const observations = openObservations()
  const lost: { error: unknown; alert: Alert | undefined }[] = []
  const alerts = createAlerts(observations, [{ kind: 'error' }], {
    send: webhook(url, { retry: { baseMs: 1, maxMs: 5 }, ...options }),
    onError: (error, alert) => void lost.push({ error, alert }),
  })
  onTestFinished(() => alerts.close())
  handle(observations, eventOf('A.B.Done'), { error: new Error('boom') })
  return { alerts, lost }
}

describe('a webhook', () => {
  test('that fails twice gets the alert the third time, as JSON', async () => {
    const { received, url } = await startServer([500, 0, 200])
    const { lost, alerts } = start(url, { headers: { authorization: 'Bearer x' } })
    await alerts.close()
    expect(received).toHaveLength(3)
    expect(received[2]).toMatchObject({
      method: 'POST',
      path: '/hooks/secret-token?key=1',
      headers: { 'content-type': 'application/json', authorization: 'Bearer x' },
      body: { state: 'firing', severity: 'high', subject: 'handler mail', message: 'Error: boom' },
    })
    expect(lost).toEqual([])
  })

  test('can be given another body', async () => {
    const { received, url } = await startServer([204])
    await start(url, { body: ({ title }) => ({ text: title }) }).alerts.close()
    expect(received.map(({ body }) => body)).toEqual([
      { text: "Handler 'mail' failed on A.B.Done" },
    ])
  })

  test('that goes on failing: after the last try the owner of errors has the alert, and no secret', async () => {
    const { received, url } = await startServer([503])
    const { lost, alerts } = start(url, { retry: { attempts: 3, baseMs: 1 } })
    await alerts.close()
    expect(received).toHaveLength(3)
    expect(lost).toMatchObject([
      {
        error: { code: 'TIDINGS_WEBHOOK_FAILED', status: 503, retryable: true },
        alert: { subject: 'handler mail' },
      },
    ])
    expect(String(lost[0]?.error)).not.toContain('secret-token')
  })

  test.each([301, 302, 303, 307, 308, 400, 404, 410])(
    'that answers %i is not asked again',
    async (status) => {
      const { received, url } = await startServer([status])
      const { lost, alerts } = start(url)
      await alerts.close()
      expect(received).toHaveLength(1)
      expect(lost).toMatchObject([{ error: { status, retryable: false } }])
    },
  )

  test.each([408, 429])('that answers %i is', async (status) => {
    const { received, url } = await startServer([status, 200])
    const { lost, alerts } = start(url)
    await alerts.close()
    expect([received.length, lost.length]).toEqual([2, 0])
  })

  test('that does not answer in time is asked again', async () => {
    const fetch = vi
      .fn<typeof globalThis.fetch>()
      .mockImplementationOnce(
        (_url, init) =>
          new Promise((_resolve, reject) => {
            init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error))
          }),
      )
      .mockResolvedValue(new Response())
    const { lost, alerts } = start('https://hooks.example.com', { fetch, timeoutMs: 5 })
    await alerts.close()
    expect([fetch.mock.calls.length, lost.length]).toEqual([2, 0])
  })
})

describe('Retry-After', () => {
  const NOW_MS = Date.UTC(2026, 10, 21, 9, 30)

  /** Answers once with the header, then with 204; says how long the alert waited between the two. */
  async function waitedMs(
    header: string,
    options: WebhookOptions = {},
    status = 429,
  ): Promise<number> {
    const clock = manualClock(NOW_MS)
    const at: number[] = []
    const fetch: typeof globalThis.fetch = () => {
      at.push(clock.now())
      const headers = { 'retry-after': header }
      return Promise.resolve(
        at.length === 1 ? new Response('later', { status, headers }) : new Response(),
      )
    }
    const observations = openObservations()
    const alerts = createAlerts(observations, [{ kind: 'error' }], {
      send: webhook('https://hooks.example.com', { fetch, clock, ...options }),
      clock,
      random: () => 0,
      retry: { baseMs: 1000 },
      recoverAfterMs: 10_000_000,
      remindAfterMs: 0,
    })
    handle(observations, eventOf('A.B.Done'), { error: new Error('boom') })
    await clock.advance(3_600_000)
    await alerts.close()
    expect(at).toHaveLength(2)
    return at[1]! - at[0]!
  }

  test.each<[header: string, waited: number]>([
    ['120', 120_000],
    [' 7 ', 7000],
    ['0', 1000],
    ['Sat, 21 Nov 2026 09:31:00 GMT', 60_000],
    ['Sat, 21 Nov 2026 09:29:00 GMT', 1000],
    ['86400', 300_000],
    ['99999999999999999999999', 300_000],
    ['Tue, 01 Jan 2036 00:00:00 GMT', 300_000],
    ['-5', 1000],
    ['1.5', 1000],
    ['soon', 1000],
  ])("'%s' makes it wait for %d ms", async (header, waited) => {
    expect(await waitedMs(header)).toBe(waited)
  })

  test('holds for 503 too, and has a limit that can be set', async () => {
    expect(await waitedMs('120', {}, 503)).toBe(120_000)
    expect(await waitedMs('120', { maxRetryAfterMs: 30_000 })).toBe(30_000)
    expect(await waitedMs('120', { maxRetryAfterMs: 0 })).toBe(1000)
  })
})

test.each([
  ['', /whole URL/],
  ['hooks.example.com/x', /whole URL/],
  ['ftp://example.com', /got one of ftp:/],
])("'%s' is refused", (url, message) => {
  expect(() => webhook(url)).toThrow(message)
})

test('a bad option is refused', () => {
  for (const timeoutMs of [Number.NaN, 0, 1.5, 2 ** 31])
    expect(() => webhook('http://x', { timeoutMs })).toThrow(/'timeoutMs'/)
  expect(() => webhook('http://x', { maxRetryAfterMs: -1 })).toThrow(/'maxRetryAfterMs'/)
  expect(() => webhook('http://x', { body: 'text' as never })).toThrow(/'body' is a function/)
  expect(() => webhook('http://x', { fetch: {} as never })).toThrow(/'fetch' is a function/)
})
