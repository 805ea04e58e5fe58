export { fakeClock, shiftedClock, type FakeClock, type ShiftedClock } from './fakes/fake-clock.ts'
export { seededIds, seededRandom, type SeededRandom } from './fakes/seeded.ts'
export {
  checkHistory,
  idsOfHistory,
  randomHistory,
  type HistoryStep,
} from './model/check-history.ts'
export { LogModel, type ModelAnswer, type ModelAppend } from './model/log-model.ts'
export {
  runScenario,
  runScenarios,
  type LogUnderTest,
  type RunOptions,
  type ScenarioOutcome,
  type StoreAdapter,
} from './scenarios/run-scenario.ts'
export { sampleCommand } from './scenarios/sample-command.ts'
export {
  appendOf,
  sampleEvent,
  sampleEvents,
  sampleFact,
  sampleTask,
  SAMPLE_STREAM,
  SAMPLE_TYPE,
  type SampleEvent,
} from './scenarios/sample-event.ts'
export {
  isApplicable,
  type Need,
  type Patch,
  type Scenario,
  type ScenarioGroup,
  type StoreHarness,
} from './scenarios/scenario.ts'
export { runtimeScenarios } from './scenarios/runtime-scenarios.ts'
export { storeScenarios } from './scenarios/store-scenarios.ts'
export { brokenStores, type BrokenStore } from './broken/broken-stores.ts'
export { given, type DraftOf, type Given, type Outcome } from './given.ts'
export { brokenRuntimes, type BrokenRuntime } from './broken/broken-runtimes.ts'
