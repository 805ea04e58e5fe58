import { announced, untilAnnounced } from './announcements.ts'
import { hasServerFolder, makeServerFolder, removeServerFolder } from './server-folder.ts'

/** Gives a run its folder; the first that needs a server starts it there. @returns what ends it */
export function setup(): (() => Promise<void>) | undefined {
  // Each kind of test is set up by itself; the first of them has done it for the others.
  if (hasServerFolder()) return undefined
  const folder = makeServerFolder()
  return async () => {
    const supervisor = announced(folder, 'supervisor')
    if (supervisor !== undefined && announced(folder, 'error') === undefined) {
      process.kill(Number(supervisor), 'SIGTERM')
      await untilAnnounced(folder, 'stopped', 'error')
    }
    removeServerFolder(folder)
  }
}
