import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Clock } from 'tidings'

/** Loopback: nobody logs in here, so nobody from elsewhere may call. */
const HOST = '127.0.0.1'

/** What a request under way may still take once the server stops. */
const GRACE_MS = 5_000

export interface ServerOptions {
  readonly answer: (request: Request) => Promise<Response> | Response
  /** 0 for a free one. */
  readonly port: number
  /** Take a free port where the wanted one is taken, rather than fail. */
  readonly orFreePort: boolean
  readonly onError: (error: unknown) => void
  readonly clock: Clock
}

export interface RunningServer {
  readonly url: string
  /** Takes no further requests; resolves when those under way are answered, or their grace is over. */
  stop(): Promise<void>
}

/** @throws the port is taken (`EADDRINUSE`), or not ours to take (`EACCES`) */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const server = createServer()
  const connections = trackConnections(server)
  const answer = getRequestListener(options.answer)
  server.on('request', (request, response) => {
    answer(request, response).catch(options.onError)
  })
  await listen(server, options)
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    stop: () => stopServer(server, connections, options.clock),
  }
}

async function listen(server: Server, { port, orFreePort }: ServerOptions): Promise<void> {
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

interface Connections {
  /** From now on a connection lives as long as it has a request to answer. */
  endIdle(): void
}

/**
 * Knows which connections have a request to answer. A server that closes waits for the others as well:
 * one that was opened ahead of need, as browsers do, until its headers are overdue (60 s); one whose
 * feed has just ended, until its client lets go of it.
 */
function trackConnections(server: Server): Connections {
  const idle = new Set<Socket>()
  let isEnding = false
  server.on('connection', (socket) => {
    idle.add(socket)
    socket.once('close', () => idle.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    idle.delete(socket)
    response.once('close', () => {
      if (isEnding) socket.destroySoon()
      else if (!socket.destroyed) idle.add(socket)
    })
  })
  return {
    endIdle() {
      isEnding = true
      for (const socket of idle) socket.destroy()
    },
  }
}

async function stopServer(server: Server, connections: Connections, clock: Clock): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
  connections.endIdle()
  const finished = new AbortController()
  // A client that does not read its feed, or never ends its request, would hold the server up for ever.
  const givenUp = clock.sleep(GRACE_MS, { signal: finished.signal }).then(
    () => server.closeAllConnections(),
    () => undefined,
  )
  await closed
  finished.abort()
  await givenUp
}
