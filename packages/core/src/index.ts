export * from './contract.ts'
export * from './bus.ts'
export type { CommitListener, Committed } from './store/commits.ts'
export { memoryStore } from './store/memory/memory-store.ts'
export type {
  AppendOptions,
  AppendResult,
  CommandStore,
  ContractStore,
  EventFilter,
  EventReader,
  InboxStore,
  LogCatalog,
  LogFault,
  LogStats,
  LogReadOptions,
  ReadOptions,
  ReadStreamOptions,
  SnapshotStore,
  SqlRow,
  SqlTransaction,
  SqlValue,
  Store,
  StoreTransaction,
  CommitOptions,
  StreamAppend,
  StreamSummary,
  TypeSummary,
} from './store/store.ts'
export type { Lease, LeaseStore } from './store/lease-store.ts'
export type {
  OperationFilter,
  OperationKind,
  OperationRecord,
  OperationState,
  OperationStore,
} from './store/operation-store.ts'
export type {
  AttemptRecord,
  ParkedChange,
  ParkedEvent,
  ParkedFilter,
  ParkedGroup,
  ParkedKey,
  ParkedState,
  ParkedStore,
  ParkReason,
  ThrownRecord,
} from './store/parked-store.ts'
export type {
  Deleted,
  ErasedCounts,
  ErasureRecord,
  ErasureRequest,
  EventRef,
  RetentionChoice,
  RetentionStore,
  VersionRange,
} from './store/retention-store.ts'
export type { Snapshot } from './store/snapshot.ts'
export type {
  Claim,
  ClaimedProgress,
  Fence,
  ProgressChange,
  SubscriptionRecord,
  SubscriptionState,
  SubscriptionStatus,
  SubscriptionStore,
} from './store/subscription-store.ts'
export type { Fired, TimerRecord, TimerState, TimerStore } from './store/timer-store.ts'
export {
  CommandIdTakenError,
  type CommandOutcome,
  type CommandRecord,
} from './store/command-record.ts'
export type {
  AttemptFailedFact,
  CommandFact,
  DroppedFact,
  HandledFact,
  Observations,
  ParkedFact,
  PassedOverFact,
  PublishedFact,
  SubscriptionFact,
  SweptFact,
  UnhandledFact,
} from './observe/observations.ts'
export type { ObservationPoint, Observer } from './observe/point.ts'
export { AggregateRoot } from './work/aggregate-root.ts'
export type { AppStore, Loaded, TransactionOptions } from './work/app-store.ts'
export type { ForeignMessage, Received, ReceiveContext } from './work/receive.ts'
export type { LoadOptions } from './work/repository.ts'
export type {
  EventAppend,
  RootOf,
  StreamRef,
  UnitOfWork,
  WorkScope,
  WorkTransaction,
} from './work/unit-of-work.ts'
export {
  defineCommandHandler,
  type CommandContext,
  type CommandHandler,
} from './messaging/command-handler.ts'
export type { ConflictPolicy } from './messaging/message-bus.ts'
export { RecordedCommandError } from './messaging/recorded-error.ts'
export type { SendOptions } from './messaging/request.ts'
export type { App, AppOf, Health } from './bootstrap/app.ts'
export { bootstrap, type BootstrapOptions } from './bootstrap/bootstrap.ts'
export type { Failure } from './bootstrap/failure.ts'
export { runUntilSignal, type RunOptions } from './bootstrap/run-until-signal.ts'
export { systemClock, type Clock } from './internal/clock.ts'
export { systemIds, type IdSource } from './internal/ids.ts'
export { FencedError } from './errors/store-errors.ts'
export { createAdmin, type Admin, type AdminOptions } from './delivery/admin.ts'
export type { ShardOverview, SubscriptionOverview } from './delivery/describe-subscription.ts'
export type { FollowOptions, OperationStatus } from './delivery/follow-operation.ts'
export type {
  ParkedChoice,
  PlannedRedrive,
  RedrivePlan,
  RedriveQuestion,
  RedriveVerdict,
} from './delivery/plan-redrive.ts'
export type {
  DiscardRequest,
  OperationRequest,
  PauseRequest,
  RedriveRequest,
  ResetRequest,
} from './delivery/request-operation.ts'
export {
  defineSubscription,
  type StartFrom,
  type SubscribedTo,
  type Subscription,
  type SubscriptionOptions,
} from './delivery/define-subscription.ts'
export type { BatchContext, DeliveryContext, Effects } from './delivery/delivery-context.ts'
export type { DeliveryOptions, RunningSubscription } from './delivery/delivery.ts'
export type { RetentionOptions } from './delivery/retention.ts'
export {
  archiveFolder,
  type ArchiveFolderOptions,
  type ArchiveStep,
  type EventArchive,
} from './delivery/archive-folder.ts'
export { RETENTION } from './delivery/sweeper.ts'
export { HeldLease } from './delivery/held-lease.ts'
export { retainEvents, type Retained, type RetainOptions } from './delivery/retain-events.ts'
export {
  findHolds,
  historicRecords,
  oldestUnread,
  type RetentionHold,
} from './delivery/retention-holds.ts'
export type {
  ErrorMatch,
  FailureAction,
  FailureRule,
  RetryPolicy,
} from './delivery/retry-policy.ts'
export type { TimerDue, TimerOptions } from './work/plan-timer.ts'
export type { Duration } from './internal/duration.ts'
export { PartialFailure } from './delivery/partial-failure.ts'
export type { RelayOptions } from './delivery/relay.ts'
export { memoryPublisher, type MemoryPublisher } from './transport/memory-publisher.ts'
export { ndjsonPublisher, type NdjsonOptions } from './transport/ndjson-publisher.ts'
export {
  createProducer,
  type BatchResult,
  type Outgoing,
  type Producer,
} from './transport/producer.ts'
export type { OutgoingRecord, Publisher, PublishResult } from './transport/publisher.ts'
export {
  defineWorker,
  startTask,
  type StartOptions,
  type TaskContext,
  type Worker,
  type WorkerOptions,
} from './delivery/define-worker.ts'
export { TaskCancelledError } from './delivery/task-control.ts'
export type { TaskFilter, Tasks } from './delivery/task-desk.ts'
export type { TaskRecord, TaskStatus } from './delivery/task-state.ts'
