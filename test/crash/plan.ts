import {
  appendOf,
  sampleCommand,
  sampleEvent,
  seededRandom,
  type SeededRandom,
} from '@tidings/testing'
import { deriveId, type CommandRecord, type IdSource, type StreamAppend } from 'tidings'
import type { AppendStep } from 'tidings/sqlite'

/** Where a writer is killed: by itself, inside an append, or by its parent, at some moment. */
export type Kill =
  | { readonly kind: 'step'; readonly step: AppendStep; readonly hit: number }
  | { readonly kind: 'moment'; readonly acknowledgements: number; readonly delayMs: number }

export interface Round {
  readonly number: number
  readonly seed: number
  readonly kill: Kill
}

/** All steps of an append, in their order. */
export const appendSteps: readonly AppendStep[] = [
  'begin',
  'checked',
  'inserted',
  'before-commit',
  'after-commit',
  'acknowledged',
]

/** How many callers append at the same time. Enough that they share transactions. */
export const CALLERS = 12

/** Round n of a run: the odd ones are killed at a step, each step in its turn, the even at a moment. */
export function planRound(runSeed: number, number: number): Round {
  const random = seededRandom(runSeed * 100_003 + number)
  const seed = random.below(0x1_0000_0000)
  const step = appendSteps[((number - 1) / 2) % appendSteps.length]
  if (number % 2 === 1 && step !== undefined) {
    return { number, seed, kill: { kind: 'step', step, hit: 1 + random.below(60) } }
  }
  const acknowledgements = random.below(600)
  return { number, seed, kill: { kind: 'moment', acknowledgements, delayMs: random.next() * 4 } }
}

/** The n-th thing that a caller does. Writer and checker make the same of it, so nothing is sent. */
export interface Operation {
  readonly caller: number
  readonly number: number
  /** A transaction also writes a row of the user's own. */
  readonly kind: 'append' | 'transaction'
  readonly appends: readonly StreamAppend[]
  readonly command: CommandRecord | undefined
}

/** What a caller has in the stream that only it writes: an event for each operation before. */
export function planOperation(seed: number, caller: number, number: number): Operation {
  const random = seededRandom(
    seed ^ Math.imul(caller + 1, 0x9e37_79b1) ^ Math.imul(number, 0x85eb_ca6b),
  )
  const ids = operationIds(seed, caller, number)
  const own = `Crash.Own/${caller}`
  const appends = [
    appendOf(number - 1, sampleEvent(ids, { stream: own, payload: { caller, number } })),
    ...planOthers(random, ids, `${caller}-${number}`),
  ]
  return {
    caller,
    number,
    kind: random.below(4) === 0 ? 'transaction' : 'append',
    appends,
    command: random.below(3) === 0 ? sampleCommand(ids, { stream: own }) : undefined,
  }
}

function planOthers(random: SeededRandom, ids: IdSource, name: string): StreamAppend[] {
  const events = (stream: string, count: number) =>
    Array.from({ length: count }, () => sampleEvent(ids, { stream, payload: { name } }))
  const shared = appendOf('any', ...events(`Crash.Shared/${random.below(3)}`, 1 + random.below(3)))
  const fresh = appendOf('no-stream', ...events(`Crash.New/${name}`, 2))
  return random.pick([[], [shared], [fresh], [shared, fresh]])
}

/** The same ids for the same operation, in whichever process. */
function operationIds(seed: number, caller: number, number: number): IdSource {
  let drawn = 0
  return { newId: () => deriveId(Date.UTC(2026, 10, 21), seed, caller, number, drawn++) }
}
