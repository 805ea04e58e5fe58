import { runtimeClusterScenarios } from './runtime-cluster.ts'
import { runtimeShardScenarios } from './runtime-shards.ts'
import { runtimeDeliveryScenarios } from './runtime-delivery.ts'
import { runtimeInboxScenarios } from './runtime-inbox.ts'
import { runtimeLetterScenarios } from './runtime-letters.ts'
import { runtimeRetryScenarios } from './runtime-retries.ts'
import { runtimeLoadScenarios } from './runtime-load.ts'
import { runtimeOpenScenarios } from './runtime-open.ts'
import { runtimeParkingScenarios } from './runtime-parking.ts'
import { runtimeProgressScenarios } from './runtime-progress.ts'
import { runtimeRedriveScenarios } from './runtime-redrive.ts'
import { runtimeRelayScenarios } from './runtime-relay.ts'
import { runtimeTimerScenarios } from './runtime-timers.ts'
import type { Scenario } from './scenario.ts'

/**
 * Every promise of the runtime, as data, on any store: delivery, publishing, retries, and what becomes
 * of what was put aside.
 */
export const runtimeScenarios: readonly Scenario[] = Object.freeze([
  ...runtimeDeliveryScenarios,
  ...runtimeLoadScenarios,
  ...runtimeOpenScenarios,
  ...runtimeProgressScenarios,
  ...runtimeRelayScenarios,
  ...runtimeInboxScenarios,
  ...runtimeRetryScenarios,
  ...runtimeLetterScenarios,
  ...runtimeParkingScenarios,
  ...runtimeRedriveScenarios,
  ...runtimeClusterScenarios,
  ...runtimeShardScenarios,
  ...runtimeTimerScenarios,
])
