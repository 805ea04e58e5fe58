// npm run simulate [-- --histories 2000] [--seed N] [--most 1] [--show]: plays histories of a subscription
// on a virtual clock, and prints those in which a promise was broken; --show prints the first one anyway.
import { parseArgs } from 'node:util'
import { describeHistory } from './describe-history.ts'
import { drawPlan } from './draw-plan.ts'
import { runHistory } from './run-history.ts'
import { describeBroken, simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '2000' },
    seed: { type: 'string' },
    most: { type: 'string', default: '1' },
    show: { type: 'boolean', default: false },
  },
})

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
const histories = Number(values.histories)

if (values.show) {
  const plan = drawPlan(seed)
  console.log(describeHistory(plan, (await runHistory(plan)).lines))
}
const startMs = performance.now()
const { broken, occurrences, virtualMs, lines } = await simulate({
  seed,
  histories,
  most: Number(values.most),
})
for (const outcome of broken) console.error(describeBroken(outcome))
console.log(occurrences.describe())
const rare = occurrences.rare()
// Few histories say nothing about a share of 1 %.
if (rare.length > 0 && occurrences.histories >= 1000) {
  console.error(`in less than 1 % of the histories: ${rare.join('; ')}`)
  process.exitCode = 1
}
console.log(
  `${occurrences.histories} histories from seed ${seed}: ${lines} lines in ${Math.round(virtualMs / 1000)} virtual seconds, ${((performance.now() - startMs) / 1000).toFixed(1)} s; ${broken.length} broken`,
)
if (broken.length > 0) process.exitCode = 1
