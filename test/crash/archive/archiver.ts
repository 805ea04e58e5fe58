// A process that archives and deletes, and ends itself at a named step. Started by archive-run.ts.
import { archiveFolder, retainEvents } from 'tidings'
import { openLog } from '../delivery/log-place.ts'
import type { ArchiveKill } from './plan-archive.ts'

export interface ArchivePlan {
  /** Where the log lies. */
  readonly log: string
  readonly folder: string
  readonly gzip: boolean
  /** Where to die; undefined: never. At a moment it is killed by its parent. */
  readonly kill: ArchiveKill | undefined
}

const { log, folder, gzip, kill } = JSON.parse(process.argv[2] ?? '') as ArchivePlan
let hits = 0

function onStep(step: string): void {
  if (kill?.step !== step || ++hits < kill.hit) return
  // SIGKILL to oneself is there before the call returns: nothing runs after it.
  process.kill(process.pid, 'SIGKILL')
}

await using store = await openLog(log)
await store.head()
process.stdout.write('ready\n')
const done = await retainEvents(store, {
  choice: { before: '2100-01-01T00:00:00.000Z' },
  archive: archiveFolder(folder, { gzip, onStep }),
  goOn: async () => true,
  onRemoved: () => onStep('removed'),
})
process.stdout.write(`${JSON.stringify(done)}\n`)
