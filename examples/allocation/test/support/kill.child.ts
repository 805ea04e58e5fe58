/**
 * Allocates ten lines, takes their batch away, and dies at the step it is told:
 * `node kill.child.ts ADDRESS MAILS STEP`. What it mails is a line in the file MAILS.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { startApp } from '../../src/app.ts'
import { openLog } from '../../src/open-log.ts'
import { Allocate, ChangeBatchQuantity, CreateBatch } from '../../src/stock/contracts.ts'
import { settled } from './settled.ts'

const [address = '', mails = '', step = ''] = process.argv.slice(2)
const sku = 'LAMP'
const reached = new Map<string, number>()

/** `reallocated 3` is the third time that `reallocated` is reached. */
function reach(name: string): void {
  const times = (reached.get(name) ?? 0) + 1
  reached.set(name, times)
  if (step !== `${name} ${times}`) return
  writeSync(1, `at ${step}\n`)
  process.kill(process.pid, 'SIGKILL')
}

let isShrinking = false
const app = await startApp({
  store: openLog(address),
  mail: {
    async send({ subject, idempotencyKey }) {
      appendFileSync(mails, `${idempotencyKey} ${subject}\n`)
      reach('mailed')
    },
  },
  beforeStart: ({ observations }) => {
    // Told right after the commit, before anybody else goes on.
    observations.command.observe(({ type }) => {
      if (type === ChangeBatchQuantity.type) reach('changed')
      if (type === Allocate.type && isShrinking) reach('reallocated')
    })
  },
})
await app.send(CreateBatch, { ref: 'first', sku, qty: 100 })
await app.send(CreateBatch, { ref: 'second', sku, qty: 50, eta: '2030-01-01' })
await app.send(CreateBatch, { ref: 'third', sku, qty: 30, eta: '2030-01-02' })
for (let order = 1; order <= 10; order++) {
  await app.send(Allocate, { orderId: `o${order}`, sku, qty: 10 })
}
await settled(app)
isShrinking = true
await app.send(ChangeBatchQuantity, { ref: 'first', sku, qty: 0 })
await settled(app)
await app.close()
