import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * What befalls the next message of a client that is meant:
 * - `request`: it is lost, and the connection with it;
 * - `answer`: the server does what it says, and its answer is lost with the connection.
 */
export type Cut = 'request' | 'answer'

/** Stands between a client and the server, and cuts their connection when it is told to. */
export interface Proxy {
  /** The same database, through the proxy. */
  readonly url: string
  /** The next messages that hold a text are cut: one, if it is not said how many. */
  cutNext(text: string, cut: Cut, times?: number): void
  /** As if it had not been said. */
  cutNothing(): void
  readonly cuts: number
  close(): Promise<void>
}

export async function openProxy(target: string): Promise<Proxy> {
  const server = new URL(target)
  const folder = await mkdtemp(join(tmpdir(), 'tidings-proxy-'))
  const sockets = new Set<Socket>()
  let planned: { text: string; cut: Cut; times: number } | undefined
  let cuts = 0
  const meets = (message: Buffer): Cut | undefined => {
    if (planned === undefined || !message.includes(planned.text)) return undefined
    const { cut } = planned
    if (--planned.times === 0) planned = undefined
    cuts++
    return cut
  }
  const listener = createServer((client) => {
    const upstream = connect(addressOf(server))
    let muted = false
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      // Whoever was cut off is told so by the other end.
      socket
        .on('error', end)
        .on('close', end)
        .on('close', () => sockets.delete(socket))
    }
    client.on('data', (message) => {
      const cut = meets(message)
      if (cut === 'request') return end()
      if (cut === 'answer') muted = true
      upstream.write(message)
    })
    upstream.on('data', (answer) => (muted ? end() : client.write(answer)))
  })
  await new Promise<void>((resolve) => listener.listen(join(folder, '.s.PGSQL.5432'), resolve))
  const url = new URL(server)
  url.host = 'localhost'
  url.port = ''
  url.searchParams.set('host', folder)
  return {
    url: url.href,
    cutNext(text, cut, times = 1) {
      planned = { text, cut, times }
    },
    cutNothing() {
      planned = undefined
    },
    get cuts() {
      return cuts
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => listener.close(resolve))
      await rm(folder, { recursive: true })
    },
  }
}

function addressOf(server: URL): { path: string } | { host: string; port: number } {
  const port = server.port === '' ? 5432 : Number(server.port)
  const folder = server.searchParams.get('host')
  return folder === null
    ? { host: server.hostname, port }
    : { path: join(folder, `.s.PGSQL.${port}`) }
}
