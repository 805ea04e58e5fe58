import type { LogReport } from './check-log.ts'
import { crashRound } from './crash-round.ts'
import { appendSteps, planRound, type Round } from './plan.ts'

export interface CrashTotals {
  readonly rounds: number
  /** Kills at each step of an append, and at moments of the parent's choice. */
  readonly kills: ReadonlyMap<string, number>
  readonly events: number
  readonly acknowledged: number
  readonly stored: number
  readonly absent: number
}

export interface CrashRunOptions {
  readonly seed: number
  /** Numbers of the rounds, from 1. */
  readonly rounds: readonly number[]
  readonly onRound?: (round: Round, report: LogReport) => void
}

/**
 * Runs rounds one after the other.
 *
 * @throws {Error} for the first round that fails, with what it takes to run it again
 */
export async function runCrashes({ seed, rounds, onRound }: CrashRunOptions): Promise<CrashTotals> {
  const kills = new Map<string, number>(appendSteps.map((step) => [step, 0]))
  const sums = { events: 0, acknowledged: 0, stored: 0, absent: 0 }
  for (const number of rounds) {
    const round = planRound(seed, number)
    const report = await runRound(seed, round)
    const where = round.kill.kind === 'step' ? round.kill.step : 'moment'
    kills.set(where, (kills.get(where) ?? 0) + 1)
    for (const key of ['events', 'acknowledged', 'stored', 'absent'] as const)
      sums[key] += report[key]
    onRound?.(round, report)
  }
  return { rounds: rounds.length, kills, ...sums }
}

async function runRound(seed: number, round: Round): Promise<LogReport> {
  try {
    return await crashRound(round)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `Round ${round.number} failed, ${describeKill(round)}: ${message}\nAgain: npm run crash -- --seed ${seed} --round ${round.number}`,
      { cause },
    )
  }
}

export function describeKill({ kill }: Round): string {
  return kill.kind === 'step'
    ? `killed at '${kill.step}', hit ${kill.hit}`
    : `killed ${kill.delayMs.toFixed(1)} ms after ${kill.acknowledgements + 1} acknowledgements`
}

/** `begin 2, checked 2, …` */
export function describeKills(kills: ReadonlyMap<string, number>): string {
  return [...kills].map(([where, count]) => `${where} ${count}`).join(', ')
}
