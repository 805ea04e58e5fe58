// A process that appends and acknowledges until it is killed. Started by crash-round.ts.
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { sqlite, type AppendStep, type SqliteOptions } from 'tidings/sqlite'
import { perform, prepareRows } from './perform.ts'
import { CALLERS, planOperation, type Round } from './plan.ts'

const STANDARD_OUTPUT = 1

const { file, round } = JSON.parse(process.argv[2] ?? '') as { file: string; round: Round }

let armed = false
let hits = 0

function onStep(step: AppendStep): void {
  const { kill } = round
  if (!armed || kill.kind !== 'step' || step !== kill.step) return
  hits++
  // SIGKILL to oneself is there before the call returns: nothing runs after it.
  if (hits === kill.hit) process.kill(process.pid, 'SIGKILL')
}

/** Written at once and by the kernel: what is in the pipe outlives the process. */
function acknowledge(caller: number, number: number): void {
  writeSync(STANDARD_OUTPUT, `${caller} ${number}\n`)
}

// The hook is there for tests like this one, and in no published type.
const options: SqliteOptions & { readonly onStep: (step: AppendStep) => void } = { file, onStep }
const store = sqlite(options)
await prepareRows(store)
// Who is killed leaves behind nothing of what it has compiled.
flushCompileCache()
armed = true

await Promise.all(
  Array.from({ length: CALLERS }, async (_, caller) => {
    for (let number = 1; ; number++) {
      await perform(store, planOperation(round.seed, caller, number))
      acknowledge(caller, number)
    }
  }),
)
