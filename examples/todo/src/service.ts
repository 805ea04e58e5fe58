import { bootstrap, systemClock, type Clock, type Store } from 'tidings'
import { httpRoutes } from './http/routes.ts'
import { startServer, type RunningServer } from './http/server.ts'
import { todoModule, type TodoApp } from './todo/module.ts'

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
  const { fetch: answer } = httpRoutes(app, { stopping: stopping.signal, onError, clock })
  const { port, orFreePort = false } = options
  let server: RunningServer
  try {
    server = await startServer({ answer, port, orFreePort, onError, clock })
  } catch (error) {
    await app.close()
    throw error
  }
  const stopServer = (): Promise<void> => {
    stopping.abort()
    return server.stop()
  }
  let stopped: Promise<void> | undefined
  const stopRequests = (): Promise<void> => (stopped ??= stopServer())
  return {
    app,
    url: server.url,
    stopRequests,
    close: async () => {
      await stopRequests()
      await app.close()
    },
  }
}

function printError(error: unknown): void {
  console.error('todo:', error)
}
