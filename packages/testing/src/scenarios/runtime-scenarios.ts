import { runtimeLetterScenarios } from './runtime-letters.ts'
import { runtimeRetryScenarios } from './runtime-retries.ts'
import { runtimeProgressScenarios } from './runtime-progress.ts'
import { runtimeRelayScenarios } from './runtime-relay.ts'
import type { Scenario } from './scenario.ts'

/**
 * Every promise of the runtime, as data, on any store: delivery, publishing, retries, and what becomes
 * of what was put aside.
 */
export const runtimeScenarios: readonly Scenario[] = Object.freeze([
  ...runtimeProgressScenarios,
  ...runtimeRelayScenarios,
  ...runtimeRetryScenarios,
  ...runtimeLetterScenarios,
])
