// npm run crash [-- --rounds 200] [--seed N] [--round N]: kills writers and checks what they leave.
import { parseArgs } from 'node:util'
import { describeKill, describeKills, runCrashes } from './crash-run.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string' },
    round: { type: 'string' },
  },
})

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
const rounds =
  values.round === undefined
    ? Array.from({ length: Number(values.rounds) }, (_, index) => index + 1)
    : [Number(values.round)]

console.log(`seed ${seed}, ${rounds.length} rounds`)
const totals = await runCrashes({
  seed,
  rounds,
  onRound(round, { acknowledged, stored, absent, events }) {
    console.log(
      `round ${round.number}: ${describeKill(round)}: ${acknowledged} acknowledged and there; under way: ${stored} stored, ${absent} not; ${events} events in the end`,
    )
  },
})

console.log(`kills: ${describeKills(totals.kills)}`)
// One round of one's own choice cannot hit every step.
const missed = [...totals.kills].filter(([, count]) => count === 0).map(([where]) => where)
if (missed.length > 0 && values.round === undefined) {
  console.error(`no kill at: ${missed.join(', ')}; 12 rounds are the least that hit every step`)
  process.exitCode = 1
}
console.log(
  `${totals.rounds} rounds, ${totals.acknowledged} acknowledged appends all there, ${totals.stored} more stored and ${totals.absent} not stored when killed, each once after a repeat; ${totals.events} events; seed ${seed}`,
)
