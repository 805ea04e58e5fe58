// npm run crash [-- --rounds 200] [--kills 600] [--seed N] [--round N] [--life N]: kills writers, then whole
// applications, and checks what they leave.
import { parseArgs } from 'node:util'
import { describeKill, describeKills, runCrashes } from './crash-run.ts'
import { describeTotals, liveAll } from './delivery/live-all.ts'
import { KILLS_PER_LIFE } from './delivery/plan-life.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    kills: { type: 'string', default: '600' },
    seed: { type: 'string' },
    round: { type: 'string' },
    life: { type: 'string' },
  },
})

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
// One round or life of one's own choice is run alone, and cannot hit every step.
const isChoice = values.round !== undefined || values.life !== undefined

function numbersOf(choice: string | undefined, count: number): readonly number[] {
  if (choice !== undefined) return [Number(choice)]
  return isChoice ? [] : Array.from({ length: count }, (_, index) => index + 1)
}

function requireAll(kills: ReadonlyMap<string, number>): void {
  console.log(`kills: ${describeKills(kills)}`)
  const missed = [...kills].filter(([, count]) => count === 0).map(([where]) => where)
  if (missed.length === 0 || isChoice) return
  console.error(
    `no kill at: ${missed.join(', ')}; 12 rounds and 50 kills are the least that hit all`,
  )
  process.exitCode = 1
}

const rounds = numbersOf(values.round, Number(values.rounds))
const lives = numbersOf(values.life, Math.ceil(Number(values.kills) / KILLS_PER_LIFE))
console.log(`seed ${seed}, ${rounds.length} rounds, ${lives.length} lives`)
const lines: string[] = []

if (rounds.length > 0) {
  const totals = await runCrashes({
    seed,
    rounds,
    onRound(round, { acknowledged, stored, absent, events }) {
      console.log(
        `round ${round.number}: ${describeKill(round)}: ${acknowledged} acknowledged and there; under way: ${stored} stored, ${absent} not; ${events} events in the end`,
      )
    },
  })
  requireAll(totals.kills)
  lines.push(
    `${totals.rounds} rounds, ${totals.acknowledged} acknowledged appends all there, ${totals.stored} more stored and ${totals.absent} not stored when killed, each once after a repeat; ${totals.events} events`,
  )
}

if (lives.length > 0) {
  const totals = await liveAll({
    seed,
    lives,
    abreast: 2,
    onLife({ number, kills }, { events, effects, letters, repeated }) {
      console.log(
        `life ${number}: ${kills.length} kills; ${events} events, ${effects} effects, ${letters} letters, ${repeated} records twice`,
      )
    },
  })
  requireAll(totals.kills)
  lines.push(describeTotals(totals))
}
console.log(`${lines.join('; ')}; seed ${seed}`)
