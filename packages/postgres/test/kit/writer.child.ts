/**
 * Appends until it kills itself: `node writer.child.ts URL NAME STEP COUNT`. At the COUNT-th time that a write
 * is at STEP, SIGKILL strikes. A line on stdout for each append: `try ID` before it, `ack ID` behind it.
 */
import { writeSync } from 'node:fs'
import { postgres, type AppendStep } from '@tidings/postgres'
import { appendTo, makeEvent } from './sample.ts'

const [url = '', name = '', step = '', count = '1'] = process.argv.slice(2)
let left = Number(count)

const store = postgres({
  connection: url,
  onStep(at: AppendStep) {
    if (at === step && --left === 0) process.kill(process.pid, 'SIGKILL')
  },
})

// At once, and whole: what is in a buffer dies with the process.
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

async function write(caller: number): Promise<never> {
  for (let n = 0; ; n++) {
    const id = `${name}-${caller}`
    const event = makeEvent(id)
    const { eventId } = event.envelope
    say(`try ${eventId}`)
    if (n % 2 === 0) await store.append([appendTo(id, event)])
    else {
      await store.transaction(async (tx) => {
        await tx.sql`insert into public.rows values (${eventId}::uuid)`
        await tx.append([appendTo(id, event)])
      })
    }
    say(`ack ${eventId}`)
  }
}

await Promise.all([0, 1, 2].map(write))
