import {
  defineModule,
  defineSubscription,
  type Module,
  type StoreTransaction,
  type Subscription,
} from 'tidings'
import type { MailPort } from '../mail.ts'
import { Allocate, Deallocated, OutOfStock } from './contracts.ts'
import { Product } from './product.ts'

/** Whoever buys. */
const BUYERS = 'stock@made.example'

/**
 * A line that lost its batch asks for another one. The event is in the log with the change that took the
 * batch away, so nothing that happens in between can lose the line; and the command's id is derived
 * from the event, so a second delivery does not allocate it twice.
 */
const reallocation = defineSubscription('reallocation', {
  events: [Deallocated],
  filter: ({ payload }) => payload.because === 'batch-shrank',
  handle: async ({ payload: { orderId, sku, qty } }, { send }) => {
    await send(Allocate, { orderId, sku, qty })
  },
})

const outOfStockMail = (mail: MailPort) =>
  defineSubscription('out-of-stock-mail', {
    events: [OutOfStock],
    retry: { attempts: 3, delay: '100ms', later: ['1m', '10m', '1h'] },
    handle: ({ payload: { orderId, sku, qty } }, { idempotencyKey }) =>
      mail.send({
        to: BUYERS,
        subject: `Out of stock: ${qty} × ${sku} for order ${orderId}`,
        idempotencyKey,
      }),
  })

type Part = typeof Product | Subscription<string, StoreTransaction>

/** The domain and what follows from its events; it needs no SQL. */
export function stockModule(mail: MailPort): Module<'stock', Part> {
  return defineModule('stock', [Product, reallocation, outOfStockMail(mail)])
}
