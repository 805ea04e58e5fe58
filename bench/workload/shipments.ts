/** What the check bench reads: 256 different events of about 950 bytes, as bytes from a broker or a file. */
import * as z from 'zod'
import { defineEvent } from '../../packages/core/src/contract/define-event.ts'
import { toWire } from '../../packages/core/src/contract/tidings-codec.ts'
import { createIdSource } from '../../packages/core/src/internal/ids.ts'
import { toIsoTime } from '../../packages/core/src/internal/time.ts'
import { createRandom, createRandomFill } from './random.ts'

const item = z.object({
  sku: z.string().min(1).max(40),
  title: z.string().max(200),
  quantity: z.int().min(1).max(1000),
  unitPrice: z.string().regex(/^\d+\.\d{2}$/),
})

export const ShipmentSchema = z.object({
  shipmentId: z.uuid(),
  orderId: z.uuid(),
  status: z.enum(['packed', 'handed-over', 'delivered']),
  express: z.boolean(),
  weightGrams: z.int().min(0),
  dispatchedAt: z.iso.datetime(),
  tags: z.array(z.string().max(30)).max(20),
  items: z.array(item).min(1),
  carrier: z.string().optional(),
  instructions: z.string().max(500).optional(),
})

export const ShipmentDispatched = defineEvent('Shop.Shipment.Dispatched', {
  payload: ShipmentSchema,
})

const COUNT = 256
const START = Date.UTC(2026, 10, 21)

/** Half of them have the two optional fields. */
export function shipmentBytes(): Buffer[] {
  const random = createRandom(6)
  const ids = createIdSource(createRandomFill(7))
  const pick = <Item>(items: readonly [Item, ...Item[]]): Item =>
    items[Math.floor(random() * items.length)] ?? items[0]
  return Array.from({ length: COUNT }, (_, n) => {
    const shipmentId = ids.newId(START + n)
    const payload: z.infer<typeof ShipmentSchema> = {
      shipmentId,
      orderId: ids.newId(START + n),
      status: pick(['packed', 'handed-over', 'delivered']),
      express: random() < 0.5,
      weightGrams: Math.floor(random() * 20_000),
      dispatchedAt: toIsoTime(START + n * 1_000),
      tags: ['fragile', `zone-${n % 9}`],
      items: [0, 1].map((line) => ({
        sku: `SKU-${n}-${line}`,
        title: `Enamelled cast iron pot number ${Math.floor(random() * 1_000)}`,
        quantity: 1 + Math.floor(random() * 9),
        unitPrice: (random() * 500).toFixed(2),
      })),
      ...(n % 2 === 0
        ? undefined
        : { carrier: 'Nordic Parcel', instructions: `Leave with neighbour ${n}` }),
    }
    const envelope = {
      eventId: ids.newId(START + n),
      eventType: 'Shop.Shipment.Dispatched',
      eventVersion: 1,
      timestamp: toIsoTime(START + n),
      aggregateType: 'Shop.Shipment',
      aggregateId: shipmentId,
      correlationId: ids.newId(START + n),
      causationId: ids.newId(START + n),
      payload,
      metadata: {
        source: 'shop.warehouse',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      },
    }
    return Buffer.from(JSON.stringify(toWire(envelope)))
  })
}
