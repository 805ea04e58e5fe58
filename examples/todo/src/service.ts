import {
  bootstrap,
  systemClock,
  type Clock,
  type DeliveryOptions,
  type Publisher,
  type Store,
} from 'tidings'
import { httpRoutes } from './http/routes.ts'
import { startServer, type RunningServer } from './http/server.ts'
import { todoModules, type ModuleOptions, type TodoApp } from './modules.ts'
import { fakePorts, type FakePorts } from './notifications/fake-ports.ts'

export interface ServiceOptions extends Pick<ModuleOptions, 'productivityWindow'> {
  readonly store: Store | Promise<Store>
  /** 0 for a free one. */
  readonly port: number
  /** Take a free port where the wanted one is taken, rather than fail. */
  readonly orFreePort?: boolean
  /** Owns failures that no caller can mend; standard error by default. */
  readonly onError?: (error: unknown) => void
  readonly clock?: Clock
  /** How users are reached: by nothing real here. */
  readonly ports?: FakePorts
  /** Where what has a topic goes; nowhere by default. */
  readonly publisher?: Publisher
  /** Whether events are handled here as well as requests; another process may do it. */
  readonly delivery?: DeliveryOptions
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
  const { clock = systemClock, onError = printError, ports = fakePorts() } = options
  const { productivityWindow, publisher, delivery } = options
  const app: TodoApp = await bootstrap({
    store: options.store,
    modules: todoModules({ ports, ...(productivityWindow && { productivityWindow }) }),
    source: 'examples/todo',
    clock,
    onFailure: ({ error }) => onError(error),
    ...(publisher && { publisher }),
    ...(delivery && { delivery }),
  })
  const mailServer = ports.refused
  const stopping = new AbortController()
  const { fetch: answer } = httpRoutes(app, {
    stopping: stopping.signal,
    onError,
    clock,
    mailServer,
  })
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
