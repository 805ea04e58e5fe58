/**
 * Leaves appends behind in transactions of another library, and appends what was left, until it kills itself:
 * `node deferrer.child.ts URL NAME STEP COUNT`. At the COUNT-th time that an append of what was left is at STEP,
 * SIGKILL strikes. A line on stdout for each transaction: `try ID` before its COMMIT, `ack ID` behind it.
 */
import { writeSync } from 'node:fs'
import pg from 'pg'
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

async function leave(caller: number): Promise<never> {
  const client = new pg.Client(url)
  await client.connect()
  for (;;) {
    const id = `${name}-${caller}`
    const event = makeEvent(id)
    const { eventId } = event.envelope
    const head = await store.head()
    say(`try ${eventId}`)
    await client.query('begin')
    await client.query('insert into public.rows values ($1)', [eventId])
    await store.appendIn(client, [appendTo(id, event)], { deferred: true })
    await client.query('commit')
    say(`ack ${eventId}`)
    // Leaves no more behind than can be taken.
    await store.waitBeyond(head)
  }
}

await Promise.all([0, 1, 2].map(leave))
