import { Hono, type Context } from 'hono'
import { streamSSE, type SSEStreamingApi } from 'hono/streaming'
import { toWire, type Clock, type StoredEnvelope } from 'tidings'
import type { TodoApp } from '../modules.ts'
import { RequestError } from './problem.ts'
import { readNumber } from './request.ts'

/** Shorter than the 30 and 60 s after which proxies usually drop a silent connection. */
const HEARTBEAT_MS = 15_000

export interface FeedOptions {
  readonly clock: Clock
  /** Ends every feed: the service stops. */
  readonly stopping: AbortSignal
  readonly onError: (error: unknown) => void
}

/**
 * `/feed`: the log as server-sent events, from now on or, with `Last-Event-ID` or `?after=`, from a
 * position on. The id of a message is its position, so a browser that reconnects misses nothing and
 * sees nothing twice.
 */
export function feedRoutes(app: TodoApp, options: FeedOptions): Hono {
  const routes = new Hono()
  routes.get('/', async (c) => {
    const after = await readStart(c, app)
    return streamSSE(c, (stream) => serveFeed(app, stream, { ...options, after }))
  })
  return routes
}

async function readStart(c: Context, app: TodoApp): Promise<number> {
  const head = await app.store.head()
  const after =
    readLastEventId(c) ?? readNumber(c, 'after', { from: 0, to: Number.MAX_SAFE_INTEGER })
  if (after === undefined) return head
  if (after <= head) return after
  throw new RequestError(
    'FEED_POSITION_UNKNOWN',
    `The log ends at position ${head}, before ${after}.`,
    {
      nextStep: 'It is another log than the one you read before: begin again with ?after=0.',
    },
  )
}

function readLastEventId(c: Context): number | undefined {
  const text = c.req.header('Last-Event-ID')
  if (text === undefined || text === '') return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new RequestError('HEADER_INVALID', 'Last-Event-ID must be a position of the log.', {
    nextStep: 'Send the id of the last message that came, or leave the header out.',
  })
}

async function serveFeed(
  app: TodoApp,
  stream: SSEStreamingApi,
  { after, clock, stopping, onError }: FeedOptions & { readonly after: number },
): Promise<void> {
  const gone = new AbortController()
  stream.onAbort(() => gone.abort())
  const signal = AbortSignal.any([stopping, gone.signal])
  try {
    // Something at once: until then a client cannot tell an open feed from a stuck one.
    await stream.write(`: listening after position ${after}\n\n`)
    await Promise.race([sendEvents(app, stream, { after, signal }), beat(stream, clock, signal)])
  } catch (error) {
    if (!signal.aborted) onError(error)
  } finally {
    gone.abort()
  }
}

async function sendEvents(
  app: TodoApp,
  stream: SSEStreamingApi,
  { after, signal }: { readonly after: number; readonly signal: AbortSignal },
): Promise<void> {
  for (let position = after; ; await app.store.waitBeyond(position, { signal })) {
    for await (const event of app.store.readAll({ after: position, signal })) {
      await stream.writeSSE(toMessage(event))
      position = event.position
    }
  }
}

function toMessage(event: StoredEnvelope): { id: string; event: string; data: string } {
  return { id: String(event.position), event: event.eventType, data: JSON.stringify(toWire(event)) }
}

async function beat(stream: SSEStreamingApi, clock: Clock, signal: AbortSignal): Promise<never> {
  for (;;) {
    await clock.sleep(HEARTBEAT_MS, { signal })
    await stream.write(': still here\n\n')
  }
}
