/** The events that the store benches write: an order shop, about 260 bytes of payload each. */
import * as z from 'zod'
import { defineEvent } from '../../packages/core/src/contract/define-event.ts'

const line = {
  sku: z.string().max(40),
  quantity: z.int().positive(),
  unitPrice: z.string(),
  currency: z.string().length(3),
  warehouse: z.string(),
  note: z.string().max(200),
  giftWrap: z.boolean(),
}

export const OrderPlaced = defineEvent('Shop.Order.Placed', {
  payload: z.object({ orderId: z.uuid(), ...line }),
})
export const LineAdded = defineEvent('Shop.Order.LineAdded', {
  payload: z.object({ orderId: z.uuid(), ...line }),
})
export const LineRemoved = defineEvent('Shop.Order.LineRemoved', {
  payload: z.object({ orderId: z.uuid(), ...line }),
})
export const OrderConfirmed = defineEvent('Shop.Order.Confirmed', {
  payload: z.object({ orderId: z.uuid(), ...line }),
})

export const orderEvents = [OrderPlaced, LineAdded, LineAdded, LineRemoved, OrderConfirmed] as const

export interface OrderLine {
  readonly orderId: string
  readonly sku: string
  readonly quantity: number
  readonly unitPrice: string
  readonly currency: string
  readonly warehouse: string
  readonly note: string
  readonly giftWrap: boolean
}

/** A payload as a program would make it, of about 260 bytes as JSON. */
export function orderLine(orderId: string, random: () => number): OrderLine {
  const number = Math.floor(random() * 1_000_000)
  return {
    orderId,
    sku: `SKU-${String(number).padStart(9, '0')}`,
    quantity: 1 + (number % 7),
    unitPrice: (number / 100).toFixed(2),
    currency: 'EUR',
    warehouse: `warehouse-${number % 12}`,
    note: `deliver to the back door, ring twice, order line ${number}, thank you`,
    giftWrap: number % 5 === 0,
  }
}
