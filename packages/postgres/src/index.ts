export { explainCommit } from './explain-commit.ts'
export type {
  AppendInOptions,
  ForeignClient,
  ForeignTag,
  ForeignTransaction,
} from './foreign-append.ts'
export { inspectServer } from './inspect-server.ts'
export { migrateSchema } from './migrate-schema.ts'
export { postgres, type PostgresStore } from './postgres-store.ts'
export type { AppendStep, PostgresConnection, PostgresOptions } from './options.ts'
export { SqlError } from './sql-error.ts'
export type { PostgresTransaction, TransactionClient } from './transaction.ts'
