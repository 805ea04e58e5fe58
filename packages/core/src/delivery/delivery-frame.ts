import type { StoredEnvelope } from '../contract/envelope.ts'
import type { Frame, TransactionMark } from '../internal/flow.ts'
import type { HandlerTransaction } from './handler-transaction.ts'

/** What a handler of a subscription runs in: an effect of its event, and in its transaction once there is one. */
export class DeliveryFrame implements Frame {
  readonly correlationId: string
  readonly eventId: string
  readonly metadata: Frame['metadata']
  readonly #transaction: HandlerTransaction

  constructor(event: StoredEnvelope, transaction: HandlerTransaction) {
    this.correlationId = event.correlationId
    this.eventId = event.eventId
    this.metadata = event.metadata
    this.#transaction = transaction
  }

  get transaction(): TransactionMark | undefined {
    return this.#transaction.mark
  }
}
