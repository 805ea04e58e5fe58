export { migrateSchema } from './sqlite/migrate-schema.ts'
export { sqlite, type SqliteStore } from './sqlite/sqlite-store.ts'
export type { AppendStep, SqliteOptions, Synchronous } from './sqlite/options.ts'
export { SqlError, type BrokenConstraint } from './sqlite/sql-error.ts'
