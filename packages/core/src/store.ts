/**
 * What a store is built of, for those who write one: the decisions that every store shares, so that
 * all of them refuse the same calls with the same errors. Applications need nothing of it.
 */
export { checkProgress, requireLimit, requireNew, requireTime } from './store/check-arguments.ts'
export {
  checkAppends,
  decideByIds,
  matchesExpected,
  type FoundEvent,
  type IdDecision,
} from './store/decide-append.ts'
export {
  makeEventReader,
  requireWhole,
  type EventPage,
  type FetchPage,
  type ReaderOptions,
} from './store/event-reader.ts'
export { lastError } from './store/last-error.ts'
export { NO_METADATA, parseMetadata } from './contract/envelope.ts'
export { JsonText } from './contract/json.ts'
export { PlacedEvents, type Placed } from './store/placed-events.ts'
export {
  minimumReaderOf,
  type MigrateOptions,
  type MigrationReport,
  type MigrationStep,
} from './store/migration-report.ts'
export {
  checkErasure,
  ERASED_MESSAGE,
  limitRetention,
  type RetentionFacts,
  type RetentionLimit,
} from './store/retention-limit.ts'
export type { ServerReport, ServerSession, TableBloat } from './store/server-report.ts'
export { backoffMs, type Random } from './internal/backoff.ts'
export {
  isInTransactionOf,
  markTransaction,
  runInTransaction,
  runOutside,
  type TransactionMark,
} from './internal/flow.ts'
export { version } from './internal/version.ts'
