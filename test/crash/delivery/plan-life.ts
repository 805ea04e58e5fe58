import { seededRandom, type SeededRandom } from '@tidings/testing'
import type { AppendStep as PostgresStep } from '@tidings/postgres'
import type { AppendStep as SqliteStep } from 'tidings/sqlite'
import { appendSteps } from '../plan.ts'

/** Places in handlers, publisher, operator and store where a process is killed: how often each is passed at the most before. */
const deliveryPoints = {
  handling: 60,
  begun: 1,
  'row-written': 40,
  'grouped-written': 40,
  'sharded-written': 60,
  sent: 20,
  'task-begun': 10,
  'task-worked': 10,
  reminding: 16,
  publishing: 20,
  'half-published': 20,
  published: 20,
  claimed: 8,
  parking: 3,
  parked: 3,
  'operation-requested': 2,
  'operation-written': 4,
  'operation-committed': 4,
  'timers-set': 16,
  'timer-firing': 10,
  'timer-fired': 10,
  'progress-written': 60,
} as const

type DeliveryPoint = keyof typeof deliveryPoints
export type Point = SqliteStep | PostgresStep | DeliveryPoint

/** Where the log of a life lies. */
export type StoreKind = 'sqlite' | 'postgres'

const storeSteps: Readonly<Record<StoreKind, readonly Point[]>> = {
  sqlite: appendSteps,
  postgres: ['before-append', 'appended', 'before-commit', 'acknowledged'],
}

/** All of them; those of a transaction of the store first. */
export function pointsOn(kind: StoreKind): readonly Point[] {
  return [...storeSteps[kind], ...(Object.keys(deliveryPoints) as DeliveryPoint[])]
}

/** Where a process is killed: by itself, at a point that it passes, or by its parent, at some moment. */
export type Kill =
  | { readonly kind: 'point'; readonly point: Point; readonly hit: number }
  | { readonly kind: 'moment'; readonly delayMs: number }

/** One log, and the processes that die on it one after the other; a last one finishes. */
export interface Life {
  readonly number: number
  readonly seed: number
  readonly on: StoreKind
  /**
   * Whether a second process shares the shards: it comes before the first of the others, stays when they die,
   * and is itself killed after every other of them.
   */
  readonly hasNeighbour: boolean
  readonly kills: readonly Kill[]
}

export const KILLS_PER_LIFE = 10
/** One life of so many has a neighbour. */
const NEIGHBOUR = 3

/** Life n of a run. Two of three kills are at points, each point in its turn. */
export function planLife(runSeed: number, number: number, on: StoreKind): Life {
  const points = pointsOn(on)
  const random = seededRandom(runSeed * 100_003 + number)
  const seed = random.below(0x1_0000_0000)
  const kills = Array.from({ length: KILLS_PER_LIFE }, (_, index): Kill => {
    const total = (number - 1) * KILLS_PER_LIFE + index
    const turn = Math.floor(total / 3) * 2 + (total % 3)
    const point = points[turn % points.length]
    const isMoment = total % 3 === 2 || point === undefined
    // In the first process of a life no attempt is recorded before it is made.
    if (isMoment || (point === 'begun' && index === 0)) {
      return { kind: 'moment', delayMs: random.next() * 400 }
    }
    return { kind: 'point', point, hit: 1 + random.below(mostHits(point, on)) }
  })
  const hasNeighbour = number % NEIGHBOUR === 0
  return { number, seed, on, hasNeighbour, kills: withWorkBefore(kills, random, on) }
}

/**
 * Attempts are recorded before they are made only where a process died at work: one that is killed
 * at a moment may have claimed nothing yet, so that the next would wait for ever to pass 'begun'.
 */
function withWorkBefore(kills: readonly Kill[], random: SeededRandom, on: StoreKind): Kill[] {
  return kills.map((kill, index) => {
    const next = kills[index + 1]
    if (kill.kind === 'point' || next?.kind !== 'point' || next.point !== 'begun') return kill
    return { kind: 'point', point: 'handling', hit: 1 + random.below(mostHits('handling', on)) }
  })
}

/** On PostgreSQL half as many: there the same takes twice the time. */
function mostHits(point: Point, on: StoreKind): number {
  const most = point in deliveryPoints ? deliveryPoints[point as DeliveryPoint] : 75
  return on === 'postgres' ? Math.ceil(most / 2) : most
}

/** What a process is started with. */
export interface Start {
  /** A file, or `postgres://…`. */
  readonly log: string
  readonly published: string
  readonly seed: number
  readonly role: Role
  /** Who finishes everything and ends, and the neighbour have none of their own. */
  readonly kill: Kill | undefined
}

/** Does everything until it dies; nothing but its share of the shards; or ends what others began. */
export type Role = 'worker' | 'neighbour' | 'finisher'

export type Fate = 'well' | 'fails-once' | 'fails-in-place' | 'dead'

/** What the flaky handler has coming for an event: the same in whichever process. */
export function fateOf(seed: number, key: string, n: number): Fate {
  const mixed = Math.imul(seed ^ Math.imul(n, 0x85eb_ca6b), 0x9e37_79b1) ^ Number(key)
  const draw = seededRandom(mixed).below(100)
  if (draw < 3) return 'dead'
  if (draw < 6) return 'fails-in-place'
  return draw < 9 ? 'fails-once' : 'well'
}

/** The same few for every process. */
export const keys: readonly string[] = Array.from({ length: 12 }, (_, index) => String(index))

/** How long a process that says nothing keeps what it owns: with a neighbour no longer than shards take to change hands. */
export const LEASE_MS = 4_000

export const hasReminder = (n: number): boolean => n % 3 === 0
export const hasJob = (n: number): boolean => n % 4 === 0
