import type { Migration } from './migration.ts'
import { eventLog } from './001-event-log.ts'
import { delivery } from './002-delivery.ts'
import { foreignTransactions } from './003-foreign-transactions.ts'
import { retention } from './004-retention.ts'
import { handedOver } from './005-handed-over.ts'

/** Every step, in order. A new one is a file of its own, and is added at the end. */
export const migrations: readonly Migration[] = [
  eventLog,
  delivery,
  foreignTransactions,
  retention,
  handedOver,
]

/** The form of the schema that this version writes. */
export const SCHEMA_NUMBER: number = migrations.length
