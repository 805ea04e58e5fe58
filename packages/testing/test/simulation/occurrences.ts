import type { HistoryOutcome } from './run-history.ts'
import type { Happening } from './world.ts'

export const STATES = [
  'starting',
  'catching-up',
  'live',
  'waiting',
  'outage',
  'paused',
  'failed',
  'stopped',
] as const

export const FAULTS = [
  'throws',
  'hangs',
  'writes-late',
  'kills',
  'dies',
  'lease-lost',
  'store-busy',
  'answers-lost',
  'clock-skew',
  'clock-steps-back',
  'nothing-works',
  'restarts',
  'shards-change',
  'operation',
] as const satisfies readonly Happening[]

/** What is to occur in at least one history of a hundred. */
const LEAST_SHARE = 0.01

/** In how many histories each state, fault and pair of faults occurred. */
export class Occurrences {
  histories = 0
  readonly #counts = new Map<string, number>()

  constructor() {
    for (const what of [...STATES, ...FAULTS, ...pairs()]) this.#counts.set(what, 0)
  }

  add({ states, happenings }: Pick<HistoryOutcome, 'states' | 'happenings'>): void {
    this.histories++
    const faults = FAULTS.filter((fault) => happenings.has(fault))
    const shown = STATES.filter((state) => states.has(state))
    for (const what of [...shown, ...faults, ...pairs(faults)]) {
      this.#counts.set(what, this.countOf(what) + 1)
    }
  }

  countOf(what: string): number {
    return this.#counts.get(what) ?? 0
  }

  /** Those that occurred too seldom to say anything about. */
  rare(): string[] {
    const least = this.histories * LEAST_SHARE
    return [...this.#counts].filter(([, count]) => count < least).map(([what]) => what)
  }

  /** A table: states and faults alone; of pairs, a line for each fault. */
  describe(): string {
    const percent = (what: string): string =>
      ((100 * this.countOf(what)) / this.histories).toFixed(1)
    const singles = (names: readonly string[]): string =>
      names.map((name) => `${name} ${percent(name)} %`).join(', ')
    const others = (fault: string, index: number): string =>
      FAULTS.slice(index + 1)
        .map((other) => `${other} ${percent(pairOf(fault, other))}`)
        .join(', ')
    return [
      `states: ${singles(STATES)}`,
      `faults: ${singles(FAULTS)}`,
      'pairs of faults, %:',
      ...FAULTS.slice(0, -1).map((fault, index) => `  ${fault} with ${others(fault, index)}`),
    ].join('\n')
  }
}

function pairs(faults: readonly string[] = FAULTS): string[] {
  return faults.flatMap((fault, index) =>
    faults.slice(index + 1).map((other) => pairOf(fault, other)),
  )
}

function pairOf(fault: string, other: string): string {
  return `${fault} with ${other}`
}
