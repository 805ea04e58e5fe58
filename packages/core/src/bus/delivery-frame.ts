import type { Envelope } from '../contract/envelope.ts'
import { PublishDepthError } from '../errors/queue-errors.ts'
import type { Frame, WorkingFrame } from '../internal/flow.ts'
import { deliver, type Delivering, type DeliveryPorts, type Dispatch } from './delivery.ts'
import type { ListenerList } from './listener-table.ts'

/** Handlers within handlers: more than any program means, and few enough for the stack. */
const DEPTH_LIMIT = 100
const SHOWN = 6

/** The frame of one delivery. It knows the one it was published in, for as long as that one lasts. */
export class DeliveryFrame implements WorkingFrame<Delivering>, Dispatch {
  readonly ports: DeliveryPorts
  readonly event: Envelope
  readonly list: ListenerList
  readonly transaction: Frame['transaction']
  readonly depth: number
  readonly outer: DeliveryFrame | undefined
  /** How many hold it open: the calling of its handlers, and those that are waited for. */
  open = 1

  /** @throws {PublishDepthError} */
  constructor(ports: DeliveryPorts, event: Envelope, { list, within: frame }: DeliveryPlace) {
    this.ports = ports
    this.event = event
    this.list = list
    this.transaction = frame?.transaction
    // A timer or a detached promise that outlives its delivery is not within it: it cannot be a loop.
    this.outer = frame === undefined ? undefined : openDelivery(frame)
    this.depth = this.outer === undefined ? 1 : this.outer.depth + 1
    if (this.depth > DEPTH_LIMIT) throw new PublishDepthError(pathOf(this), DEPTH_LIMIT)
  }

  /** Delivers, and is open until the last handler has ended. Never throws. */
  run(): Delivering {
    const delivering = deliver(this, this.list)
    this.open--
    return delivering
  }

  get delivery(): this {
    return this
  }

  get correlationId(): string {
    return this.event.correlationId
  }

  get eventId(): string {
    return this.event.eventId
  }

  get metadata(): Envelope['metadata'] {
    return this.event.metadata
  }
}

/** The delivery that the code of a frame is a part of, also in a transaction or with a batch; undefined: of none, or it is over. */
export function openDelivery(frame: Frame | undefined): DeliveryFrame | undefined {
  const delivery = frame?.delivery
  return delivery instanceof DeliveryFrame && delivery.open > 0 ? delivery : undefined
}

interface DeliveryPlace {
  readonly list: ListenerList
  /** The frame of the code that publishes. */
  readonly within: Frame | undefined
}

function pathOf(frame: DeliveryFrame): readonly string[] {
  const path: string[] = []
  for (
    let at: DeliveryFrame | undefined = frame;
    at !== undefined && path.length < SHOWN;
    at = at.outer
  ) {
    path.unshift(at.event.eventType)
  }
  return path
}
