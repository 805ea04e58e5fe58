import { TidingsError } from './tidings-error.ts'

/** A full queue refused an event. It was not delivered; trying again later can help. */
export class QueueFullError extends TidingsError<'TIDINGS_QUEUE_FULL'> {
  readonly eventType: string
  readonly maxQueueSize: number

  constructor(eventType: string, maxQueueSize: number) {
    super(
      'TIDINGS_QUEUE_FULL',
      `The queue holds ${maxQueueSize} events, which is all that it may; ${eventType} was not taken. Wait and try again, choose another overflow policy, or raise maxQueueSize.`,
      { retryable: true },
    )
    this.eventType = eventType
    this.maxQueueSize = maxQueueSize
  }
}

/** What was waited for did not come in time. */
export class TimeoutError extends TidingsError<'TIDINGS_TIMEOUT'> {
  readonly what: string
  readonly timeoutMs: number

  constructor(
    what: string,
    timeoutMs: number,
    {
      happened = 'did not come to its end',
      next = 'Raise the limit, or find out what holds it up.',
    }: { readonly happened?: string; readonly next?: string } = {},
  ) {
    super('TIDINGS_TIMEOUT', `${what} ${happened} within ${timeoutMs} ms. ${next}`, {
      retryable: true,
    })
    this.what = what
    this.timeoutMs = timeoutMs
  }
}

/** What a close waits for. */
export interface StillRunning {
  /** Deliveries whose handlers go on. */
  readonly deliveries: readonly {
    readonly eventType: string
    readonly eventId: string
    /** All handlers of the event. */
    readonly handlers: readonly string[]
    /** How many of them go on. */
    readonly left: number
  }[]
  /** Events that wait in the queue. */
  readonly queued: number
  /** Commands, appends and transactions of the application; none on a bus of its own. */
  readonly commands: number
}

/** A close took longer than its caller would wait. What runs was told by its signal to stop. */
export class CloseTimeoutError extends TimeoutError {
  readonly stillRunning: StillRunning

  constructor(timeoutMs: number, stillRunning: StillRunning) {
    super('The close', timeoutMs, {
      next: `${describeRunning(stillRunning)} All signals were aborted; it is closed when these have ended. Let them heed ctx.signal, or put timeout() around them.`,
    })
    this.stillRunning = stillRunning
  }
}

const SHOWN_DELIVERIES = 5

function describeRunning({ deliveries, queued, commands }: StillRunning): string {
  const shown = deliveries
    .slice(0, SHOWN_DELIVERIES)
    .map(({ eventType, eventId, handlers, left }) => {
      const which =
        left < handlers.length ? `${left} of ${handlers.join(', ')}` : handlers.join(', ')
      return `${which} on ${eventType} ${eventId}`
    })
  const more = deliveries.length - shown.length
  const parts = [
    ...shown,
    ...(more > 0 ? [`${more} more deliveries`] : []),
    ...(queued > 0 ? [`${queued} queued events`] : []),
    ...(commands > 0 ? [`${commands} commands or transactions`] : []),
  ]
  return parts.length === 0 ? 'Handlers are being closed.' : `Still under way: ${parts.join('; ')}.`
}

/** Events that publish each other without end. */
export class PublishDepthError extends TidingsError<'TIDINGS_PUBLISH_LOOP'> {
  /** The types, from the oldest shown to the newest. */
  readonly path: readonly string[]

  constructor(path: readonly string[], limit: number) {
    super(
      'TIDINGS_PUBLISH_LOOP',
      `Handlers published within handlers ${limit} deep: ${path.join(' → ')}. The last one was not delivered. Break the loop, or publish it with enqueue().`,
    )
    this.path = path
  }
}

/** An event came after the window that it belongs to was over. */
export class LateEventError extends TidingsError<'TIDINGS_EVENT_LATE'> {
  readonly eventType: string
  /** When it happened. */
  readonly timestamp: string

  constructor(eventType: string, timestamp: string) {
    super(
      'TIDINGS_EVENT_LATE',
      `${eventType} of ${timestamp} came after its window was over; it was not counted. Allow more latenessMs, or say what becomes of late events: late: 'drop', or a handler.`,
    )
    this.eventType = eventType
    this.timestamp = timestamp
  }
}
