import { defineAggregate } from 'tidings'
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
} from './contracts.ts'
import { StockError } from './stock-error.ts'

export interface OrderLine {
  readonly orderId: string
  readonly qty: number
}

export interface Batch {
  readonly ref: string
  /** What was bought, allocated or not. */
  readonly qty: number
  /** `null`: in stock. */
  readonly eta: string | null
  /** In the order in which they were allocated. */
  readonly lines: readonly OrderLine[]
}

/** All batches of a product: what decides about one of its lines must see all of them. */
export interface ProductState {
  readonly batches: readonly Batch[]
}

const nothing: ProductState = { batches: [] }

export const Product = defineAggregate('Allocation.Product', {
  events: [BatchCreated, BatchQuantityChanged, Allocated, Deallocated, OutOfStock],
  commands: [CreateBatch, ChangeBatchQuantity, Allocate, Deallocate],
  id: ({ sku }) => sku,
  initialState: nothing,

  evolve: {
    'Allocation.Product.Batch.Created': ({ batches }, { payload: { ref, qty, eta } }) => ({
      batches: [...batches, { ref, qty, eta, lines: [] }],
    }),
    'Allocation.Product.Batch.QuantityChanged': (state, { payload: { ref, qty } }) =>
      changeBatch(state, ref, (batch) => ({ ...batch, qty })),
    'Allocation.Product.Line.Allocated': (state, { payload: { batchRef, orderId, qty } }) =>
      changeBatch(state, batchRef, (batch) => ({
        ...batch,
        lines: [...batch.lines, { orderId, qty }],
      })),
    'Allocation.Product.Line.Deallocated': (state, { payload: { batchRef, orderId } }) =>
      changeBatch(state, batchRef, (batch) => ({
        ...batch,
        lines: batch.lines.filter((line) => line.orderId !== orderId),
      })),
    'Allocation.Product.WentOutOfStock': (state) => state,
  },

  decide: {
    'Allocation.Product.Batch.Create': (command, { batches }) => {
      if (batches.some(({ ref }) => ref === command.ref))
        throw new StockError('BATCH_EXISTS', command.ref)
      return BatchCreated(command)
    },
    'Allocation.Product.Line.Allocate': ({ orderId, sku, qty }, { batches }) => {
      if (batches.length === 0) throw new StockError('SKU_UNKNOWN', sku)
      const known = findLine(batches, orderId)
      if (known !== undefined) {
        if (known.line.qty !== qty) throw new StockError('LINE_DIFFERS', `${orderId}, ${sku}`)
        return []
      }
      const batch = batches.toSorted(byPreference).find((one) => available(one) >= qty)
      return batch === undefined
        ? OutOfStock({ orderId, sku, qty })
        : Allocated({ orderId, sku, qty, batchRef: batch.ref })
    },
    'Allocation.Product.Line.Deallocate': ({ orderId, sku }, { batches }) => {
      const known = findLine(batches, orderId)
      if (known === undefined) throw new StockError('LINE_UNKNOWN', `${orderId}, ${sku}`)
      const { qty } = known.line
      return Deallocated({ orderId, sku, qty, batchRef: known.batch.ref, because: 'asked' })
    },
    'Allocation.Product.Batch.ChangeQuantity': ({ ref, sku, qty }, { batches }) => {
      const batch = batches.find((one) => one.ref === ref)
      if (batch === undefined) throw new StockError('BATCH_UNKNOWN', `${sku}, ${ref}`)
      if (batch.qty === qty) return []
      return [
        BatchQuantityChanged({ ref, sku, qty, previousQty: batch.qty }),
        ...linesBeyond(batch, qty).map((line) =>
          Deallocated({ ...line, sku, batchRef: ref, because: 'batch-shrank' }),
        ),
      ]
    },
  },
})

/** What is here before what is on its way, and that in the order in which it comes. */
function byPreference(a: Batch, b: Batch): number {
  return (a.eta ?? '').localeCompare(b.eta ?? '')
}

function available({ qty, lines }: Batch): number {
  return lines.reduce((left, line) => left - line.qty, qty)
}

/** Who came last gives way first, until the others fit. */
function linesBeyond({ lines }: Batch, qty: number): OrderLine[] {
  const giving: OrderLine[] = []
  let missing = lines.reduce((sum, line) => sum + line.qty, 0) - qty
  for (const line of lines.toReversed()) {
    if (missing <= 0) break
    missing -= line.qty
    giving.push(line)
  }
  return giving
}

function findLine(
  batches: readonly Batch[],
  orderId: string,
): { readonly batch: Batch; readonly line: OrderLine } | undefined {
  for (const batch of batches) {
    const line = batch.lines.find((one) => one.orderId === orderId)
    if (line !== undefined) return { batch, line }
  }
  return undefined
}

function changeBatch(
  { batches }: ProductState,
  ref: string,
  change: (batch: Batch) => Batch,
): ProductState {
  return { batches: batches.map((batch) => (batch.ref === ref ? change(batch) : batch)) }
}
