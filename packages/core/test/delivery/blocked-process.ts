// A process whose handler blocks the event loop for longer than its lease lasts; started by a test.
import { startTally } from '../support/tally.ts'

/** Where in the handler of vote 2 it blocks, and for how long. */
const [, , file = '', where, blockMs] = process.argv

function block(n: number): void {
  if (n !== 2) return
  process.send?.('blocked')
  const end = performance.now() + Number(blockMs)
  while (performance.now() < end);
}

const { app } = await startTally(file, {
  owner: 'blocked',
  leaseMs: 1500,
  ...(where === 'before' ? { before: block } : { after: block }),
})
app.observations.subscription.observe(({ to, reason }) => {
  process.send?.(`${to}: ${reason}`)
})
process.on('message', () => void app.close().then(() => process.disconnect()))
