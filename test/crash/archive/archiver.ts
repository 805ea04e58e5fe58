// A process that archives and deletes, and ends itself at a named step. Started by archive.e2e.test.ts.
import { archiveFolder, retainEvents } from 'tidings'
import { sqlite } from 'tidings/sqlite'

export interface ArchivePlan {
  readonly file: string
  readonly folder: string
  readonly gzip: boolean
  /** The step to die at, and the how manieth time; undefined: never. */
  readonly kill: { readonly step: string; readonly hit: number } | undefined
}

const { file, folder, gzip, kill } = JSON.parse(process.argv[2] ?? '') as ArchivePlan
let hits = 0

function onStep(step: string): void {
  if (kill?.step !== step || ++hits < kill.hit) return
  // SIGKILL to oneself is there before the call returns: nothing runs after it.
  process.kill(process.pid, 'SIGKILL')
}

await using store = sqlite(file)
const done = await retainEvents(store, {
  choice: { before: '2100-01-01T00:00:00.000Z' },
  archive: archiveFolder(folder, { gzip, onStep }),
  goOn: async () => true,
  onRemoved: () => onStep('removed'),
})
process.stdout.write(JSON.stringify(done))
