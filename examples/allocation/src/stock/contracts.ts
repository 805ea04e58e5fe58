import { defineCommand, defineEvent, defineTopic } from 'tidings'
import { z } from 'zod'

const DAY_MS = 24 * 60 * 60 * 1000

/** What became of order lines and batches, for whoever ships, buys or sells: kept a week. */
export const allocations = defineTopic('allocations', {
  carries: 'facts',
  partitions: 3,
  replicas: 3,
  retentionMs: 7 * DAY_MS,
  segmentMs: DAY_MS,
  cleanup: 'delete',
})

// They stand in paths, so they are written with what needs no quoting there.
const name = z.string().regex(/^[\w.-]{1,100}$/, "1 to 100 letters, digits, '_', '.' and '-'")
const quantity = z.int().min(1)

/** An order has one line of a product. */
const line = { orderId: name, sku: name, qty: quantity }
const lineId = { orderId: name, sku: name }
const batch = { ref: name, sku: name }

/** When a batch arrives; `null`: it is in stock. */
const eta = z.iso.date().nullable()

/** One key for all events of a product keeps them in order, on the topic and for every subscription. */
const onAllocations = { topic: allocations, key: ({ sku }: { sku: string }): string => sku }

export const BatchCreated = defineEvent('Allocation.Product.Batch.Created', {
  payload: z.object({ ...batch, qty: quantity, eta }),
  aliases: ['BatchCreated'],
  ...onAllocations,
})

export const BatchQuantityChanged = defineEvent('Allocation.Product.Batch.QuantityChanged', {
  payload: z.object({ ...batch, qty: z.int().min(0), previousQty: z.int().min(0) }),
  aliases: ['BatchQuantityChanged'],
  ...onAllocations,
})

export const Allocated = defineEvent('Allocation.Product.Line.Allocated', {
  payload: z.object({ ...line, batchRef: name }),
  aliases: ['Allocated'],
  ...onAllocations,
})

export const Deallocated = defineEvent('Allocation.Product.Line.Deallocated', {
  payload: z.object({
    ...line,
    batchRef: name,
    /** A customer who takes a line back wants no other batch; a line that lost its batch does. */
    because: z.enum(['asked', 'batch-shrank']),
  }),
  aliases: ['Deallocated'],
  ...onAllocations,
})

export const OutOfStock = defineEvent('Allocation.Product.WentOutOfStock', {
  payload: z.object(line),
  aliases: ['OutOfStock'],
  ...onAllocations,
})

// Commands are strict: a misspelt field is refused rather than ignored.
export const CreateBatch = defineCommand('Allocation.Product.Batch.Create', {
  payload: z.strictObject({ ...batch, qty: quantity, eta: eta.default(null) }),
})

export const ChangeBatchQuantity = defineCommand('Allocation.Product.Batch.ChangeQuantity', {
  payload: z.strictObject({ ...batch, qty: z.int().min(0) }),
})

export const Allocate = defineCommand('Allocation.Product.Line.Allocate', {
  payload: z.strictObject(line),
})

export const Deallocate = defineCommand('Allocation.Product.Line.Deallocate', {
  payload: z.strictObject(lineId),
})
