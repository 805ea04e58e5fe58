import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { startApp, type AllocationApp, type AllocationOptions } from './app.ts'
import { allocationRoutes } from './http/routes.ts'

export interface Service {
  readonly app: AllocationApp
  readonly url: string
  /** Takes no new requests, answers those under way, then closes the application. */
  close(): Promise<void>
}

/** @param port 0 for a free one */
export async function startService(
  options: AllocationOptions & { readonly port: number },
): Promise<Service> {
  const app = await startApp(options)
  const server = createAdaptorServer({ fetch: allocationRoutes(app).fetch }) as Server
  try {
    await listen(server, options.port)
  } catch (error) {
    await app.close()
    throw error
  }
  const { port } = server.address() as AddressInfo
  return {
    app,
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeIdleConnections()
      })
      await app.close()
    },
  }
}

/** Nobody logs in here, so nobody from elsewhere may call. */
function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}
