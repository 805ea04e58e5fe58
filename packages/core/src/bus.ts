export {
  createEventBus,
  type BusOptions,
  type EventBusOptions,
  type StandaloneBus,
} from './bootstrap/create-event-bus.ts'
export {
  CloseTimeoutError,
  LateEventError,
  PublishDepthError,
  QueueFullError,
  TimeoutError,
  type StillRunning,
} from './errors/queue-errors.ts'
export type { CloseOptions } from './bus/closing.ts'
export type {
  DrainOptions,
  EventBus,
  Listener,
  ListenerOptions,
  PublishOptions,
  WaitOptions,
} from './bus/event-bus.ts'
export type { EnqueueOptions, OverflowPolicy, Priority, QueueOptions } from './bus/event-queue.ts'
export type { BufferOverflow, EventStream, EventStreamOptions } from './bus/event-stream.ts'
export type {
  Delivery,
  FailedOutcome,
  HandledOutcome,
  Handler,
  HandlerContext,
  ListenerFailure,
  Outcome,
  SyncDelivery,
} from './bus/handler.ts'
export { ANY, type Selector } from './bus/selector.ts'
export { batch, type BatchOptions } from './bus/operators/batch.ts'
export type { Work } from './bus/operators/compose.ts'
export { concurrency, type ConcurrencyOptions } from './bus/operators/concurrency.ts'
export { filter } from './bus/operators/filter.ts'
export { idempotent, type IdempotentOptions } from './bus/operators/idempotent.ts'
export { isolate } from './bus/operators/isolate.ts'
export { priority, type PriorityOptions } from './bus/operators/priority.ts'
export { retry, type RetriedFailure, type RetryOptions } from './bus/operators/retry.ts'
export {
  route,
  type RouteHandlers,
  type RouteOptions,
  type RouteTable,
} from './bus/operators/route.ts'
export { throttle, type ThrottleOptions } from './bus/operators/throttle.ts'
export { timeout, type TimeoutOptions } from './bus/operators/timeout.ts'
export { transform } from './bus/operators/transform.ts'
export type { WindowOf } from './bus/operators/window-of.ts'
export { window, type WindowOptions } from './bus/operators/window.ts'
