import { announced, untilAnnounced } from './announcements.ts'
import { makeServerFolder, removeServerFolder } from './server-folder.ts'

/** Gives a run its folder; the first test that needs a server starts it there. @returns what ends it */
export function setup(): () => Promise<void> {
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
