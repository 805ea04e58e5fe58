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

  constructor(what: string, timeoutMs: number) {
    super(
      'TIDINGS_TIMEOUT',
      `${what} did not come to its end within ${timeoutMs} ms. Raise the limit, or find out what holds it up.`,
      {
        retryable: true,
      },
    )
    this.what = what
    this.timeoutMs = timeoutMs
  }
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
