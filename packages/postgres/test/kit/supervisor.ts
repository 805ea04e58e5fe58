/**
 * Runs one server for one run of tests: `node supervisor.ts FOLDER`. It announces `url` when the server
 * answers and `error` when it cannot, and stops it when it is told to, or when the run is gone.
 */
import { announce, announced } from './announcements.ts'
import { initServer, startServer, type Server } from './run-server.ts'
import { removeServerFolder } from './server-folder.ts'

const [folder = ''] = process.argv.slice(2)

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Told to stop, or the run is gone, or the server. */
async function untilOver({ ended }: Server): Promise<void> {
  const owner = Number(announced(folder, 'owner'))
  const over = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    // Nobody says that a process has ended that is not one's own child: so it is asked for.
    const asking = setInterval(() => {
      if (!isAlive(owner)) resolve()
    }, 500)
    asking.unref()
  })
  await Promise.race([over, ended])
}

try {
  await initServer(folder)
  const server = await startServer(folder)
  announce(folder, 'url', server.url)
  await untilOver(server)
  await server.stop()
} catch (error) {
  announce(folder, 'error', String(error instanceof Error ? error.stack : error))
}
if (isAlive(Number(announced(folder, 'owner')))) announce(folder, 'stopped', '')
else removeServerFolder(folder)
