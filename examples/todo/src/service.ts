import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { bootstrap, systemClock, type Clock, type Store } from 'tidings'
import { httpRoutes } from './http/routes.ts'
import { todoModule, type TodoApp } from './todo/module.ts'

/** Loopback: nobody logs in here, so nobody from elsewhere may call. */
const HOST = '127.0.0.1'

/** What a request under way may still take once the service stops. */
const GRACE_MS = 5_000

export interface ServiceOptions {
  readonly store: Store | Promise<Store>
  /** 0 for a free one. */
  readonly port: number
  /** Take a free port where the wanted one is taken, rather than fail. */
  readonly orFreePort?: boolean
  /** Owns failures that no caller can mend; standard error by default. */
  readonly onError?: (error: unknown) => void
  readonly clock?: Clock
}

export interface Service {
  readonly app: TodoApp
  readonly url: string
  /** Takes no new requests, ends the live feeds, lets the requests under way finish. Twice is once. */
  stopRequests(): Promise<void>
  /** {@link Service.stopRequests}, then the application with its store. */
  close(): Promise<void>
}

/** Starts the todo service. On a failure everything that was begun is closed again. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { clock = systemClock, onError = printError } = options
  const app: TodoApp = await bootstrap({
    store: options.store,
    modules: [todoModule],
    source: 'examples/todo',
    clock,
    onFailure: ({ error }) => onError(error),
  })
  const stopping = new AbortController()
  const routes = httpRoutes(app, { stopping: stopping.signal, onError, clock })
  const server = createServer(getRequestListener(routes.fetch))
  try {
    await listen(server, options)
  } catch (error) {
    await app.close()
    throw error
  }
  let stopped: Promise<void> | undefined
  const stopRequests = (): Promise<void> => (stopped ??= stopServer(server, { stopping, clock }))
  return {
    app,
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    stopRequests,
    close: async () => {
      await stopRequests()
      await app.close()
    },
  }
}

async function listen(server: Server, { port, orFreePort = false }: ServiceOptions): Promise<void> {
  try {
    await listenOn(server, port)
  } catch (error) {
    if (!orFreePort || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    await listenOn(server, 0)
  }
}

function listenOn(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, HOST, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function stopServer(
  server: Server,
  { stopping, clock }: { readonly stopping: AbortController; readonly clock: Clock },
): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
  stopping.abort()
  const finished = new AbortController()
  // A client that does not read its feed, or never ends its request, would hold the service up for ever.
  const givenUp = clock.sleep(GRACE_MS, { signal: finished.signal }).then(
    () => server.closeAllConnections(),
    () => undefined,
  )
  await closed
  finished.abort()
  await givenUp
}

function printError(error: unknown): void {
  console.error('todo:', error)
}
