import { memoryPublisher } from 'tidings'
import { expect, onTestFinished, test } from 'vitest'
import { openTestLog, testAddress } from '../../support/test-log.ts'
import { startService } from '../src/service.ts'
import { fakeMail } from './support/fake-mail.ts'
import { settled } from './support/settled.ts'

/** The whole service: HTTP in front, a database behind, topics in memory. */
async function start() {
  const store = openTestLog(await testAddress())
  const mail = fakeMail()
  const publisher = memoryPublisher()
  const service = await startService({ store, mail, publisher, port: 0 })
  onTestFinished(() => service.close())
  const request = async (line: string, json?: unknown, headers: Record<string, string> = {}) => {
    const [method = '', path = ''] = line.split(' ')
    const response = await fetch(service.url + path, {
      method,
      headers: {
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    }
  }
  const view = async (orderId: string) => {
    await settled(service.app)
    return request(`GET /allocations/${orderId}`)
  }
  return { service, mail, publisher, request, view }
}

test('the happy path allocates, and the view tells from which batch', async () => {
  const { request, view, publisher } = await start()
  const chair = { sku: 'CHAIR', qty: 100 }
  await request('POST /batches', { ref: 'later', eta: '2030-01-02', ...chair })
  await request('POST /batches', { ref: 'sooner', eta: '2030-01-01', ...chair })
  await request('POST /batches', { ref: 'desk-1', sku: 'DESK', qty: 5 })
  expect(await request('POST /allocations', { orderId: 'o1', sku: 'CHAIR', qty: 3 })).toEqual({
    status: 201,
    body: { batchRef: 'sooner' },
  })
  await request('POST /allocations', { orderId: 'o1', sku: 'DESK', qty: 2 })
  expect(await view('o1')).toEqual({
    status: 200,
    body: [
      { sku: 'CHAIR', qty: 3, batchRef: 'sooner' },
      { sku: 'DESK', qty: 2, batchRef: 'desk-1' },
    ],
  })
  expect(publisher.records('allocations').map(({ key }) => key)).toEqual([
    'CHAIR',
    'CHAIR',
    'DESK',
    'CHAIR',
    'DESK',
  ])
})

test('a change of quantity moves lines, and the view follows', async () => {
  const { request, view, mail } = await start()
  await request('POST /batches', { ref: 'here', sku: 'CHAIR', qty: 10 })
  await request('POST /batches', { ref: 'ship', sku: 'CHAIR', qty: 4, eta: '2030-01-01' })
  await request('POST /allocations', { orderId: 'o1', sku: 'CHAIR', qty: 6 })
  await request('POST /allocations', { orderId: 'o2', sku: 'CHAIR', qty: 4 })
  await request('PUT /batches/here/quantity', { sku: 'CHAIR', qty: 3 })
  // Both give way: o2 fits on the ship, o1 fits nowhere.
  expect(await view('o2')).toMatchObject({ body: [{ batchRef: 'ship' }] })
  expect(await view('o1')).toMatchObject({ status: 404 })
  expect(mail.subjects).toEqual(['Out of stock: 6 × CHAIR for order o1'])
  expect(await request('POST /allocations', { orderId: 'o3', sku: 'CHAIR', qty: 6 })).toEqual({
    status: 200,
    body: { outOfStock: true },
  })
  expect(await request('DELETE /allocations/o2/CHAIR')).toMatchObject({ status: 204 })
  expect(await view('o2')).toMatchObject({ status: 404 })
})

test.each([
  ['a product that is not there', 'POST /allocations', { orderId: 'o', sku: 'X', qty: 1 }, 404],
  ['a quantity of none', 'POST /allocations', { orderId: 'o', sku: 'X', qty: 0 }, 422],
  ['a misspelt field', 'POST /batches', { ref: 'b', sku: 'X', quantity: 1 }, 422],
  ['no object', 'POST /batches', 'x', 400],
  ['no JSON', 'POST /batches', undefined, 415],
  ['a batch that is not there', 'PUT /batches/b9/quantity', { sku: 'X', qty: 1 }, 404],
  ['a line that is not there', 'DELETE /allocations/o9/X', undefined, 404],
])('%s is refused', async (_what, line, json, status) => {
  const { request, service } = await start()
  expect((await request(line, json)).status).toBe(status)
  expect(await service.app.store.head()).toBe(0)
})

test('a page of another site is refused', async () => {
  const { request } = await start()
  expect(
    (await request('GET /allocations/o1', undefined, { origin: 'http://evil.test' })).status,
  ).toBe(403)
})
