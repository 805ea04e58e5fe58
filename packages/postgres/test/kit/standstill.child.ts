/**
 * Handles what is on a log: `node standstill.child.ts URL POINT COUNT LEASE IDLE`. At the COUNT-th time that it is at
 * POINT it stops itself by SIGSTOP, in the middle of a transaction. A line on stdout for what comes to pass.
 */
import { writeSync } from 'node:fs'
import { postgres } from '@tidings/postgres'
import { bootstrap, type SqlTransaction } from 'tidings'
import { makeStandstill } from './standstill-events.ts'

const [url = '', point = '', count = '1', leaseMs = '', idleLimitMs = ''] = process.argv.slice(2)
let left = Number(count)

function pass(at: string): void {
  if (at !== point || --left !== 0) return
  say('stops')
  process.kill(process.pid, 'SIGSTOP')
}

function say(line: string): void {
  writeSync(1, `${line}\n`)
}

const app = await bootstrap({
  store: postgres({ connection: url, idleLimitMs: Number(idleLimitMs), onStep: pass }),
  modules: [
    makeStandstill(async ({ key, n }, tx: Pick<SqlTransaction, 'sql'>) => {
      await tx.sql`insert into effects (key, n, process) values (${key}, ${n}, ${process.pid})`
      pass('row-written')
    }),
  ],
  delivery: { leaseMs: Number(leaseMs) },
  // A transaction that the server ended while its process stood still.
  onFailure: ({ error }) => say(`failure ${(error as { code?: string }).code ?? String(error)}`),
})
process.once('SIGCONT', () => {
  say('continued')
  const looking = setInterval(() => {
    if (app.delivery.subscriptions[0]?.handledUpTo !== undefined) return
    clearInterval(looking)
    say('lost')
  }, 5)
})
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)))
say('ready')
