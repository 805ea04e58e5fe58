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
  /** Whether the handlers are still being called or waited for. */
  open = true

  /** @throws {PublishDepthError} */
  constructor(ports: DeliveryPorts, event: Envelope, { list, within: frame }: DeliveryPlace) {
    this.ports = ports
    this.event = event
    this.list = list
    this.transaction = frame?.transaction
    // A timer or a detached promise that outlives its delivery is not within it: it cannot be a loop.
    this.outer = frame instanceof DeliveryFrame && frame.open ? frame : undefined
    this.depth = this.outer === undefined ? 1 : this.outer.depth + 1
    if (this.depth > DEPTH_LIMIT) throw new PublishDepthError(pathOf(this), DEPTH_LIMIT)
  }

  /** Delivers, and is open until the last handler has ended. */
  run(): Delivering {
    const delivering = deliver(this, this.list)
    if (!(delivering instanceof Promise)) this.open = false
    return delivering
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
