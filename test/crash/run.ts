// npm run crash [-- --rounds 200] [--kills 600] [--postgres-kills 400] [--stops 20] [--seed N] [--round N] [--life N]
// [--archives 12] [--absorbers 60] [--postgres-life N]: kills writers, then whole applications on SQLite and on
// PostgreSQL, then those who archive and those who append what was left to them, then stops the server under
// load, and checks what they leave.
import { parseArgs } from 'node:util'
import {
  absorbUnderKills,
  describeAbsorbing,
} from '../../packages/postgres/test/kit/absorb-under-kills.ts'
import { setup as startTestServer } from '../../packages/postgres/test/kit/global-setup.ts'
import { describeStops, stopUnderLoad } from '../../packages/postgres/test/kit/stop-under-load.ts'
import { archiveUnderKills } from './archive/archive-run.ts'
import { archiveSteps, planArchive } from './archive/plan-archive.ts'
import { describeKill, describeKills, runCrashes } from './crash-run.ts'
import { describeTotals, liveAll } from './delivery/live-all.ts'
import { KILLS_PER_LIFE, type StoreKind } from './delivery/plan-life.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    kills: { type: 'string', default: '600' },
    'postgres-kills': { type: 'string', default: '400' },
    stops: { type: 'string', default: '20' },
    archives: { type: 'string', default: '12' },
    absorbers: { type: 'string', default: '60' },
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

/** On one store and the other in turn. */
async function runArchives(numbers: readonly number[]): Promise<string> {
  const kills = new Map<string, number>(archiveSteps.map((step) => [step, 0]))
  let events = 0
  for (const number of numbers) {
    const kind: StoreKind = number % 2 === 0 ? 'postgres' : 'sqlite'
    const planned = planArchive(seed, number)
    const totals = await archiveUnderKills(kind, planned)
    for (const { step } of planned) kills.set(step, (kills.get(step) ?? 0) + 1)
    events += totals.events
    console.log(`archive ${number} on ${kind}: ${totals.killed} kills, ${totals.events} events`)
  }
  requireAll(kills)
  return `${events} events archived and deleted over ${numbers.length} logs, each once`
}

const livesOf = (kills: string): number => Math.ceil(Number(kills) / KILLS_PER_LIFE)
const rounds = numbersOf(values.round, Number(values.rounds))
const onSqlite = numbersOf(values.life, livesOf(values.kills))
const onPostgres = numbersOf(values['postgres-life'], livesOf(values['postgres-kills']))
const stops = isChoice ? 0 : Number(values.stops)
const archives = numbersOf(undefined, Number(values.archives))
const absorbers = isChoice ? 0 : Number(values.absorbers)
console.log(
  `seed ${seed}, ${rounds.length} rounds, ${onSqlite.length} lives on SQLite, ${onPostgres.length} on PostgreSQL, ${archives.length} archives, ${absorbers} who append what was left, ${stops} stops of the server`,
)
const endServer = startTestServer()
const lines: string[] = []
try {
  if (rounds.length > 0) lines.push(await runRounds(rounds))
  if (onSqlite.length > 0) lines.push(await runLives('sqlite', onSqlite))
  if (onPostgres.length > 0) lines.push(await runLives('postgres', onPostgres))
  if (archives.length > 0) lines.push(await runArchives(archives))
  if (absorbers > 0) lines.push(describeAbsorbing(await absorbUnderKills(seed, absorbers)))
  if (stops > 0) lines.push(describeStops(await stopUnderLoad(stops)))
} finally {
  await endServer?.()
}
console.log(`${lines.join('; ')}; seed ${seed}`)
