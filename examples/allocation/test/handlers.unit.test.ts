import { bootstrap } from 'tidings'
import { expect, onTestFinished, test } from 'vitest'
import { testLog } from '../../support/test-log.ts'
import { Allocate, ChangeBatchQuantity, CreateBatch, Deallocate } from '../src/stock/contracts.ts'
import { stockModule } from '../src/stock/module.ts'
import { Product } from '../src/stock/product.ts'
import { fakeMail } from './support/fake-mail.ts'
import { settled } from './support/settled.ts'

const sku = 'INDIFFERENT-TABLE'

/** The domain and its handlers, on any log and a mail service that is none. */
async function start() {
  const mail = fakeMail()
  const app = await bootstrap({
    store: testLog(),
    modules: [stockModule(mail)],
    verbs: ['Deallocated'],
  })
  onTestFinished(() => app.close())
  const batches = async () => {
    await settled(app)
    const { state } = await app.store.load(Product, sku)
    return Object.fromEntries(
      state.batches.map(({ ref, lines }) => [ref, lines.map(({ orderId }) => orderId)]),
    )
  }
  return { app, mail, batches }
}

test('a line that loses its batch is allocated to the next one, caused by the loss', async () => {
  const { app, batches } = await start()
  await app.send(CreateBatch, { ref: 'b1', sku, qty: 50 })
  await app.send(CreateBatch, { ref: 'b2', sku, qty: 50, eta: '2030-01-01' })
  await app.send(Allocate, { orderId: 'o1', sku, qty: 20 })
  await app.send(Allocate, { orderId: 'o2', sku, qty: 20 })
  expect(await batches()).toEqual({ b1: ['o1', 'o2'], b2: [] })

  const { correlationId } = await app.send(ChangeBatchQuantity, { ref: 'b1', sku, qty: 25 })
  expect(await batches()).toEqual({ b1: ['o1'], b2: ['o2'] })
  const chain = await app.store.query({ correlationId }).toArray()
  expect(chain.map(({ eventType }) => eventType.split('.').at(-1))).toEqual([
    'QuantityChanged',
    'Deallocated',
    'Allocated',
  ])
})

test('a line that finds no other batch is reported to the buyers', async () => {
  const { app, mail, batches } = await start()
  await app.send(CreateBatch, { ref: 'b1', sku, qty: 50 })
  await app.send(Allocate, { orderId: 'o1', sku, qty: 20 })
  await app.send(ChangeBatchQuantity, { ref: 'b1', sku, qty: 10 })
  expect(await batches()).toEqual({ b1: [] })
  expect(mail.subjects).toEqual([`Out of stock: 20 × ${sku} for order o1`])
})

test('a line that its customer takes back is not allocated again', async () => {
  const { app, mail, batches } = await start()
  await app.send(CreateBatch, { ref: 'b1', sku, qty: 50 })
  await app.send(Allocate, { orderId: 'o1', sku, qty: 20 })
  await app.send(Deallocate, { orderId: 'o1', sku })
  expect(await batches()).toEqual({ b1: [] })
  expect(mail.subjects).toEqual([])
})

test('a mail service that is down keeps the mail waiting, and the lines going', async () => {
  const { app, mail, batches } = await start()
  mail.isDown = true
  await app.send(CreateBatch, { ref: 'b1', sku, qty: 10 })
  await app.send(Allocate, { orderId: 'o1', sku, qty: 20 })
  await app.send(Allocate, { orderId: 'o2', sku, qty: 10 })
  expect(await batches()).toEqual({ b1: ['o2'] })
  const [letter] = await app.admin.parked.list({ subscription: 'out-of-stock-mail' })
  expect(letter?.attempts.at(-1)?.error.message).toBe('The mail service does not answer.')

  mail.isDown = false
  const { operationId } = await app.admin.request({
    kind: 'redrive',
    subscription: 'out-of-stock-mail',
    by: 'a test',
  })
  expect((await app.admin.ended(operationId)).operation.state).toBe('done')
  expect(mail.subjects).toEqual([`Out of stock: 20 × ${sku} for order o1`])
})
