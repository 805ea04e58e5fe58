import { given } from '@tidings/testing'
import { describe, expect, test } from 'vitest'
import {
  Allocate,
  Allocated,
  BatchCreated,
  BatchQuantityChanged,
  ChangeBatchQuantity,
  CreateBatch,
  Deallocate,
  Deallocated,
  OutOfStock,
} from '../src/stock/contracts.ts'
import { Product } from '../src/stock/product.ts'

const sku = 'SMALL-TABLE'
const batch = (ref: string, qty: number, eta: string | null = null) =>
  BatchCreated({ ref, sku, qty, eta })
const allocated = (orderId: string, qty: number, batchRef: string) =>
  Allocated({ orderId, sku, qty, batchRef })
const lost = (orderId: string, qty: number, batchRef: string) =>
  Deallocated({ orderId, sku, qty, batchRef, because: 'batch-shrank' })

describe('a batch', () => {
  test('is created', () => {
    given(Product)
      .when(CreateBatch, { ref: 'b1', sku, qty: 100 })
      .thenEvents(batch('b1', 100))
      .thenState({ batches: [{ ref: 'b1', qty: 100, eta: null, lines: [] }] })
  })

  test('is created once', () => {
    given(Product, [batch('b1', 100)])
      .when(CreateBatch, { ref: 'b1', sku, qty: 5 })
      .thenThrows(/b1: this batch exists already/)
  })
})

describe('an order line', () => {
  test('reduces what is available', () => {
    given(Product, [batch('b1', 20)])
      .when(Allocate, { orderId: 'o1', sku, qty: 2 })
      .thenEvents(allocated('o1', 2, 'b1'))
      .thenState({
        batches: [{ ref: 'b1', qty: 20, eta: null, lines: [{ orderId: 'o1', qty: 2 }] }],
      })
  })

  test.each([
    ['what is in stock before what is on its way', ['2030-01-01', null, '2030-01-02'], 'b2'],
    ['what comes first', ['2030-01-03', '2030-01-01', '2030-01-02'], 'b2'],
    ['what was bought first, of two that come the same day', [null, null], 'b1'],
  ])('prefers %s', (_what, etas, batchRef) => {
    const batches = etas.map((eta, index) => batch(`b${index + 1}`, 10, eta))
    given(Product, batches)
      .when(Allocate, { orderId: 'o1', sku, qty: 10 })
      .thenEvents(allocated('o1', 10, batchRef))
  })

  test('passes over a batch in which it has no room', () => {
    given(Product, [batch('b1', 10), batch('b2', 10, '2030-01-01'), allocated('o1', 8, 'b1')])
      .when(Allocate, { orderId: 'o2', sku, qty: 3 })
      .thenEvents(allocated('o2', 3, 'b2'))
  })

  test('that fits nowhere is out of stock', () => {
    given(Product, [batch('b1', 10), allocated('o1', 8, 'b1')])
      .when(Allocate, { orderId: 'o2', sku, qty: 3 })
      .thenEvents(OutOfStock({ orderId: 'o2', sku, qty: 3 }))
  })

  test('is allocated once, and is not another one under the same order', () => {
    const one = given(Product, [batch('b1', 10), allocated('o1', 8, 'b1')])
    one.when(Allocate, { orderId: 'o1', sku, qty: 8 }).thenEvents()
    one.when(Allocate, { orderId: 'o1', sku, qty: 1 }).thenThrows(/another quantity/)
  })

  test('of a product that nobody ever bought is refused', () => {
    given(Product)
      .when(Allocate, { orderId: 'o1', sku, qty: 1 })
      .thenThrows(/no batch/)
  })

  test('is taken back, and only if it is there', () => {
    const one = given(Product, [batch('b1', 10), allocated('o1', 8, 'b1')])
    one
      .when(Deallocate, { orderId: 'o1', sku })
      .thenEvents(Deallocated({ orderId: 'o1', sku, qty: 8, batchRef: 'b1', because: 'asked' }))
      .thenState({ batches: [{ ref: 'b1', qty: 10, eta: null, lines: [] }] })
    one.when(Deallocate, { orderId: 'o2', sku }).thenThrows(/no allocated line/)
  })
})

describe('a change of quantity', () => {
  const before = [batch('b1', 50), allocated('o1', 20, 'b1'), allocated('o2', 20, 'b1')]
  const change = (qty: number) =>
    given(Product, before).when(ChangeBatchQuantity, { ref: 'b1', sku, qty })
  const changed = (qty: number) => BatchQuantityChanged({ ref: 'b1', sku, qty, previousQty: 50 })

  test('makes room', () => {
    change(80).thenEvents(changed(80))
  })

  test('takes no line away that still fits', () => {
    change(40).thenEvents(changed(40))
  })

  test('takes away who came last, as many as do not fit', () => {
    change(25).thenEvents(changed(25), lost('o2', 20, 'b1'))
    change(10).thenEvents(changed(10), lost('o2', 20, 'b1'), lost('o1', 20, 'b1'))
  })

  test('to what it is changes nothing', () => {
    change(50).thenEvents()
  })

  test('of a batch that is not there is refused', () => {
    given(Product, before)
      .when(ChangeBatchQuantity, { ref: 'b9', sku, qty: 1 })
      .thenThrows(/no such batch/)
  })
})

test('every name that the book gives an event is read as its alias', () => {
  const events = [BatchCreated, BatchQuantityChanged, Allocated, Deallocated, OutOfStock]
  expect(events.map(({ aliases }) => aliases)).toEqual([
    ['BatchCreated'],
    ['BatchQuantityChanged'],
    ['Allocated'],
    ['Deallocated'],
    ['OutOfStock'],
  ])
})
