import { seededRandom, type SeededRandom } from '../../src/fakes/seeded.ts'
import type {
  Behaviour,
  HandlerMode,
  HistoryPlan,
  OperationChoice,
  PlannedEvent,
  PlannedFault,
  ProcessShape,
  SubscriptionShape,
} from './plan-types.ts'

/** Draws a history: the same seed, the same history. */
export function drawPlan(seed: number): HistoryPlan {
  const random = seededRandom(seed)
  const subscription = drawSubscription(random)
  const isRolling = chance(random, 0.04)
  const processes = drawProcesses(random, isRolling)
  const calmMs = 2500 + random.below(5000)
  const leaseMs = 400 + random.below(1600)
  const { shards, changes } = drawShards(seed, subscription, calmMs)
  return {
    seed,
    subscription,
    shards,
    processes,
    leaseMs,
    graceMs: random.pick([0, 100, 500, 3000]),
    pollMs: random.pick([100, 300, 500]),
    latencyMs: random.pick([0, 2, 10, 40]),
    idleMs: Math.floor(leaseMs / 3),
    events: drawEvents(random, { calmMs, isRolling }),
    faults: [
      ...drawFaults(random, { calmMs, leaseMs, processes: processes.length }),
      ...changes,
      ...drawCuts(seed, { calmMs, processes: processes.length }),
    ].toSorted((a, b) => a.atMs - b.atMs),
    calmMs,
    // What nobody can read stays parked.
    mends: chance(random, 0.5) && !isRolling,
  }
}

/** Drawn apart: see below. */
function drawCuts(
  seed: number,
  { calmMs, processes }: Pick<FaultsOf, 'calmMs' | 'processes'>,
): readonly PlannedFault[] {
  const random = seededRandom(seed ^ 0xc075)
  if (!chance(random, 0.35)) return []
  return Array.from({ length: 1 + random.below(2) }, () => ({
    kind: 'answers-lost',
    process: random.below(processes),
    // Half of them at once, when most is to be done.
    atMs: chance(random, 0.5) ? 0 : random.below(calmMs),
    forMs: 100 + random.below(1500),
  }))
}

/** Nearly one of three is in shards. Drawn apart: the other histories are what they were without. */
function drawShards(
  seed: number,
  { order }: SubscriptionShape,
  calmMs: number,
): { readonly shards: number; readonly changes: readonly PlannedFault[] } {
  const random = seededRandom(seed ^ 0x5aa3d)
  if (order === 'all' || !chance(random, 0.3)) return { shards: 1, changes: [] }
  const isChanged = chance(random, 0.5)
  const shards = random.pick(isChanged ? [1, 2, 3] : [2, 2, 3, 4])
  if (!isChanged) return { shards, changes: [] }
  const change: PlannedFault = {
    kind: 'shards-change',
    atMs: random.below(calmMs),
    shards: random.pick([1, 2, 3].filter((other) => other !== shards)),
    backMs: random.pick([0, 50, 400]),
    draw: random.next(),
  }
  return { shards, changes: [change] }
}

function chance(random: SeededRandom, share: number): boolean {
  return random.next() < share
}

function drawSubscription(random: SeededRandom): SubscriptionShape {
  return {
    mode: random.pick<HandlerMode>([
      'transaction',
      'transaction',
      'transaction',
      'grouped',
      'grouped',
      'plain',
      'plain',
      'batch-transaction',
      'batch-plain',
    ]),
    order: random.pick(['key', 'key', 'key', 'key', 'none', 'all']),
    concurrency: random.pick([1, 2, 3, 10]),
    timeoutMs: random.pick([150, 600, 2000]),
    attempts: random.pick([1, 2, 3]),
    delayMs: random.pick([0, 20, 200]),
    laterMs: random.pick([[], [], [300], [300, 2000]]),
    maxParked: random.pick([3, 8, 10_000, 10_000]),
    maxParkedOfKey: random.pick([2, 1000, 1000]),
    outageAfter: random.pick([2, 3, 5, 100]),
    buffer: random.pick([2, 8, 1000]),
    batchSize: random.pick([2, 5, 100]),
    batchAgeMs: random.pick([0, 50, 300]),
    rate: random.pick([undefined, undefined, undefined, 50]),
  }
}

function drawProcesses(random: SeededRandom, isRolling: boolean): ProcessShape[] {
  const count = isRolling ? 2 : random.pick([1, 2, 2, 3])
  // In a rolling deployment the second process is mostly of the new version.
  const isAlien = chance(random, 0.06)
  return Array.from({ length: count }, (_, index) => ({
    startMs: index === 0 ? 0 : random.below(800),
    skewMs: chance(random, 0.5) ? random.below(8000) - 4000 : 0,
    knows: isRolling && (index === 0 || isAlien) ? 1 : 2,
  }))
}

function drawEvents(
  random: SeededRandom,
  { calmMs, isRolling }: { readonly calmMs: number; readonly isRolling: boolean },
): PlannedEvent[] {
  const count = 6 + random.below(24)
  const keys = 1 + random.below(7)
  const trouble = random.pick([0, 0.15, 0.15, 0.35, 0.6])
  const times = Array.from({ length: count }, () =>
    // Half of them wait already when the first process comes, and come together.
    chance(random, 0.5) ? 0 : random.below(calmMs),
  ).sort((a, b) => a - b)
  const newer = isRolling ? random.below(count) : -1
  return times.map((atMs, index) => ({
    n: index + 1,
    atMs,
    // The square favours the first keys.
    key: `k${Math.floor(random.next() ** 2 * keys)}`,
    behaviour: chance(random, trouble) ? drawBehaviour(random) : { kind: 'right' },
    version: index === newer ? 2 : 1,
  }))
}

function drawBehaviour(random: SeededRandom): Behaviour {
  const times = random.pick([1, 1, 2, 4, Number.POSITIVE_INFINITY])
  const few = random.pick([1, 1, 2, 5])
  switch (random.below(12)) {
    case 0:
      return { kind: 'hangs', times: few }
    case 1:
      return { kind: 'writes-late', times: few }
    case 2:
    case 3:
    case 4:
      return { kind: 'slow', ms: random.pick([5, 40, 140, 500]) }
    case 5:
      return { kind: 'kills', times }
    case 6:
      return { kind: random.pick(['skip', 'park', 'stop'] as const), times: few }
    default:
      return { kind: 'throws', times }
  }
}

interface FaultsOf {
  readonly calmMs: number
  readonly leaseMs: number
  readonly processes: number
}

function drawFaults(random: SeededRandom, facts: FaultsOf): PlannedFault[] {
  const faults: PlannedFault[] = []
  const some = (share: number, most: number, draw: () => PlannedFault): void => {
    if (!chance(random, share)) return
    for (let left = 1 + random.below(most); left > 0; left--) faults.push(draw())
  }
  const atMs = (): number => random.below(facts.calmMs)
  const process = (): number => random.below(facts.processes)
  const backMs = (): number => random.pick([0, 50, 400, 2500])
  some(0.5, 3, () => ({
    kind: 'dies',
    process: process(),
    atMs: atMs(),
    // Few: it dies in the middle of what it does then.
    steps: random.below(random.pick([1, 8, 60])),
    backMs: backMs(),
  }))
  some(0.55, 2, () => ({
    kind: 'freezes',
    process: process(),
    atMs: atMs(),
    forMs: Math.floor(facts.leaseMs * (0.3 + 3 * random.next())),
  }))
  some(0.4, 2, () => ({
    kind: 'store-busy',
    process: chance(random, 0.5) ? 'all' : process(),
    atMs: atMs(),
    forMs: 20 + random.below(800),
  }))
  some(0.4, 2, () => ({
    kind: 'clock-steps',
    process: process(),
    atMs: atMs(),
    byMs: random.below(6000) - (chance(random, 0.8) ? 6000 : 0),
  }))
  some(0.3, 1, () => ({ kind: 'nothing-works', atMs: atMs(), forMs: 200 + random.below(2500) }))
  some(0.35, 2, () => ({
    kind: 'restarts',
    process: process(),
    atMs: atMs(),
    backMs: backMs(),
  }))
  some(0.45, 4, () => ({
    kind: 'operation',
    choice: random.pick<OperationChoice>([
      'pause',
      'pause',
      'resume',
      'redrive',
      'redrive',
      'discard',
      'reset',
      'cancel',
    ]),
    atMs: atMs(),
    draw: random.next(),
  }))
  return faults.sort((a, b) => a.atMs - b.atMs)
}
