// npm run crash [-- --rounds 200] [--kills 600] [--postgres-kills 400] [--stops 20] [--seed N] [--round N] [--life N]
// [--postgres-life N]: kills writers, then whole applications on SQLite and on PostgreSQL, then stops the server
// under load, and checks what they leave.
import { parseArgs } from 'node:util'
import { setup as startTestServer } from '../../packages/postgres/test/kit/global-setup.ts'
import { describeStops, stopUnderLoad } from '../../packages/postgres/test/kit/stop-under-load.ts'
import { describeKill, describeKills, runCrashes } from './crash-run.ts'
import { describeTotals, liveAll } from './delivery/live-all.ts'
import { KILLS_PER_LIFE, type StoreKind } from './delivery/plan-life.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    kills: { type: 'string', default: '600' },
    'postgres-kills': { type: 'string', default: '400' },
    stops: { type: 'string', default: '20' },
    seed: { type: 'string' },
    round: { type: 'string' },
    life: { type: 'string' },
    'postgres-life': { type: 'string' },
  },
})

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
// One round or life of one's own choice is run alone, and cannot hit every step.
const isChoice = [values.round, values.life, values['postgres-life']].some(
  (choice) => choice !== undefined,
)

function numbersOf(choice: string | undefined, count: number): readonly number[] {
  if (choice !== undefined) return [Number(choice)]
  return isChoice ? [] : Array.from({ length: count }, (_, index) => index + 1)
}

function requireAll(kills: ReadonlyMap<string, number>): void {
  console.log(`kills: ${describeKills(kills)}`)
  const missed = [...kills].filter(([, count]) => count === 0).map(([where]) => where)
  if (missed.length === 0 || isChoice) return
  console.error(
    `no kill at: ${missed.join(', ')}; 12 rounds and 50 kills of each store are the least that hit all`,
  )
  process.exitCode = 1
}

async function runRounds(rounds: readonly number[]): Promise<string> {
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
  return `${totals.rounds} rounds, ${totals.acknowledged} acknowledged appends all there, ${totals.stored} more stored and ${totals.absent} not stored when killed, each once after a repeat; ${totals.events} events`
}

async function runLives(on: StoreKind, lives: readonly number[]): Promise<string> {
  const totals = await liveAll({
    seed,
    on,
    lives,
    abreast: 2,
    onLife({ number, kills }, { events, effects, letters, repeated }) {
      console.log(
        `life ${number} on ${on}: ${kills.length} kills; ${events} events, ${effects} effects, ${letters} letters, ${repeated} records twice`,
      )
    },
  })
  requireAll(totals.kills)
  return `on ${on} ${describeTotals(totals)}`
}

const livesOf = (kills: string): number => Math.ceil(Number(kills) / KILLS_PER_LIFE)
const rounds = numbersOf(values.round, Number(values.rounds))
const onSqlite = numbersOf(values.life, livesOf(values.kills))
const onPostgres = numbersOf(values['postgres-life'], livesOf(values['postgres-kills']))
const stops = isChoice ? 0 : Number(values.stops)
console.log(
  `seed ${seed}, ${rounds.length} rounds, ${onSqlite.length} lives on SQLite, ${onPostgres.length} on PostgreSQL, ${stops} stops of the server`,
)
const endServer = startTestServer()
const lines: string[] = []
try {
  if (rounds.length > 0) lines.push(await runRounds(rounds))
  if (onSqlite.length > 0) lines.push(await runLives('sqlite', onSqlite))
  if (onPostgres.length > 0) lines.push(await runLives('postgres', onPostgres))
  if (stops > 0) lines.push(describeStops(await stopUnderLoad(stops)))
} finally {
  await endServer?.()
}
console.log(`${lines.join('; ')}; seed ${seed}`)
