/** What the domain refuses, and why. */
const refusals = {
  SKU_UNKNOWN: 'no batch of this product was ever created',
  BATCH_EXISTS: 'this batch exists already',
  BATCH_UNKNOWN: 'this product has no such batch',
  LINE_DIFFERS: 'this order has a line of this product already, with another quantity',
  LINE_UNKNOWN: 'this order has no allocated line of this product',
} as const

export type StockErrorCode = keyof typeof refusals

/** A rule of the domain says no. Nothing was recorded. */
export class StockError extends Error {
  override readonly name = 'StockError'
  readonly code: StockErrorCode

  constructor(code: StockErrorCode, what: string) {
    super(`${what}: ${refusals[code]}.`)
    this.code = code
  }
}
