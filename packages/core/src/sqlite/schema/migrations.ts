import type { Migration } from './migration.ts'
import { eventLog } from './001-event-log.ts'
import { delivery } from './002-delivery.ts'
import { retention } from './003-retention.ts'

/** Every step, in order. A new one is a file of its own, is added at the end, and raises `SCHEMA_NUMBER`. */
export const migrations: readonly Migration[] = [eventLog, delivery, retention]
