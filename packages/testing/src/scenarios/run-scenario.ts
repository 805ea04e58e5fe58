import { systemClock, type Store } from 'tidings'
import { shiftedClock, type ShiftedClock } from '../fakes/fake-clock.ts'
import { seededIds, seededRandom } from '../fakes/seeded.ts'
import { assertSound } from './expectations.ts'
import { isApplicable, type Patch, type Scenario, type StoreHarness } from './scenario.ts'

/** One log of an adapter, and how to get at it. */
export interface LogUnderTest {
  /** Opens the log: the first time, an empty one. */
  open(): Promise<Store> | Store
  /** Copies the log of a store, as a backup while it is in use would, and opens the copy. */
  restore?(original: Store): Promise<Store>
  /** Runs when every store is closed: takes away files and the like. */
  remove?(): Promise<void> | void
}

/** What an adapter says of itself to be tested. */
export interface StoreAdapter {
  readonly name: string
  /** Whether the log outlives its store object. */
  readonly shared: boolean
  /** Whether transactions have `sql`. */
  readonly sql: boolean
  /** A log of its own for one scenario; its stores go by this clock. */
  createLog(clock: ShiftedClock): Promise<LogUnderTest> | LogUnderTest
}

export interface RunOptions {
  /** Decides ids and chance; 1 by default. */
  readonly seed?: number
  /** Changes applications before they are started: to break a runtime on purpose. */
  readonly patch?: Partial<Patch> | undefined
}

export type ScenarioOutcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'not-applicable' }
  | { readonly kind: 'failed'; readonly error: unknown }

const TIMEOUT_MS = 30_000

/**
 * Runs one scenario on a log of its own, then checks that every store it left open is sound, and
 * closes them. Rejects with what went wrong, the closing included.
 *
 * @returns whether the scenario could be told of this adapter
 */
export async function runScenario(
  scenario: Scenario,
  adapter: StoreAdapter,
  { seed = 1, patch = {} }: RunOptions = {},
): Promise<boolean> {
  const clock = shiftedClock(systemClock)
  const log = await adapter.createLog(clock)
  const opened: Store[] = []
  const harness = makeHarness({ adapter, log, clock, seed, opened, patch })
  try {
    if (!isApplicable(scenario, harness)) return false
    await withTimeout(scenario, runAndCheck(scenario, harness, opened))
    return true
  } finally {
    // Whatever failed is the finding; a store that can then not be closed is a part of it.
    await withTimeout(scenario, Promise.all(opened.map((store) => store.close())))
    await log.remove?.()
  }
}

/** Runs scenarios one after the other, whatever comes of each. */
export async function runScenarios(
  scenarios: readonly Scenario[],
  adapter: StoreAdapter,
  options?: RunOptions,
): Promise<ReadonlyMap<string, ScenarioOutcome>> {
  const outcomes = new Map<string, ScenarioOutcome>()
  for (const scenario of scenarios) {
    try {
      const told = await runScenario(scenario, adapter, options)
      outcomes.set(scenario.id, { kind: told ? 'passed' : 'not-applicable' })
    } catch (error) {
      outcomes.set(scenario.id, { kind: 'failed', error })
    }
  }
  return outcomes
}

interface HarnessParts {
  readonly adapter: StoreAdapter
  readonly log: LogUnderTest
  readonly clock: ShiftedClock
  readonly seed: number
  readonly opened: Store[]
  readonly patch: Partial<Patch>
}

function makeHarness({ adapter, log, clock, seed, opened, patch }: HarnessParts): StoreHarness {
  const remember = async (opening: Promise<Store> | Store): Promise<Store> => {
    const store = await opening
    opened.push(store)
    return store
  }
  return {
    open() {
      if (opened.length > 0 && !adapter.shared) {
        throw new Error(
          `The log of ${adapter.name} can be opened once. The scenario needs 'shared'.`,
        )
      }
      return remember(log.open())
    },
    restore: log.restore && (() => remember(restoreFirst(log, opened))),
    shared: adapter.shared,
    sql: adapter.sql,
    clock,
    ids: seededIds(seed),
    random: seededRandom(seed),
    patch: { module: (module) => module, publisher: (publisher) => publisher, ...patch },
  }
}

async function restoreFirst(log: LogUnderTest, opened: readonly Store[]): Promise<Store> {
  const [original] = opened
  if (original === undefined || log.restore === undefined)
    throw new Error('There is nothing to restore')
  return log.restore(original)
}

async function runAndCheck(
  scenario: Scenario,
  harness: StoreHarness,
  opened: readonly Store[],
): Promise<void> {
  await scenario.run(harness)
  for (const store of opened) await checkIfOpen(store)
}

/** After every scenario, whatever it was about, the log must be sound. */
async function checkIfOpen(store: Store): Promise<void> {
  try {
    await store.head()
  } catch (error) {
    if ((error as { code?: string }).code === 'TIDINGS_CLOSED') return
    throw error
  }
  await assertSound(store)
}

async function withTimeout<Result>(scenario: Scenario, work: Promise<Result>): Promise<Result> {
  const limitMs = scenario.timeoutMs ?? TIMEOUT_MS
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`Scenario ${scenario.id} has not ended within ${limitMs} ms`))
  }, limitMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
