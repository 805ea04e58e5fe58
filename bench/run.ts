/** `npm run bench -- NAME …`: measures what `NAME.bench.ts` beside this file describes; without a name, lists them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setup } from '../packages/postgres/test/kit/global-setup.ts'
import type { Bench } from './harness/bench.ts'
import { benchFolder, benchNames, loadBench } from './harness/catalog.ts'
import { observeMachine } from './harness/machine.ts'
import { installPeers, peerVersions } from './harness/peers.ts'
import { makeReport, updateResults, type RunResult } from './harness/report.ts'
import { runSuite } from './harness/suite.ts'

const USAGE = `Usage: npm run bench -- NAME [--rounds N] [--only TEXT] [--json] [--dry]

  --rounds N   rounds that count (each bench has its own number otherwise)
  --only TEXT  only the variants whose name holds TEXT; leaves RESULTS.md as it is
  --json       one JSON object on stdout instead of the table
  --dry        leave bench/RESULTS.md as it is

Exit code: 0 every goal met, 1 a goal missed, 2 wrong usage, 3 a goal could not be measured.
`

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function list(): Promise<void> {
  say(USAGE)
  for (const name of benchNames()) {
    const bench = await loadBench(name)
    say(`  ${name.padEnd(10)} ${bench.summary}`)
  }
}

function narrow(bench: Bench, only: string | undefined): Bench {
  if (only === undefined) return bench
  const { verify: _, ...rest } = bench
  return { ...rest, variants: bench.variants.filter(({ name }) => name.includes(only)) }
}

async function measure(bench: Bench, rounds: number): Promise<RunResult> {
  const wanting = bench.variants.filter(({ needsPeers }) => needsPeers === true)
  const missing = wanting.length === 0 ? undefined : installPeers(say)
  const observed = observeMachine()
  const { rounds: found, failures } = await runSuite(bench, {
    rounds,
    warmups: bench.warmups,
    scale: 1,
    left: new Set(missing === undefined ? [] : wanting.map(({ name }) => name)),
    onProgress: say,
  })
  const reasons = new Map(failures)
  if (missing !== undefined) for (const { name } of wanting) reasons.set(name, missing)
  return { bench, rounds: found, failures: reasons, machine: observed(), peers: peerVersions() }
}

function keep(name: string, report: ReturnType<typeof makeReport>, dry: boolean): void {
  const folder = join(benchFolder, '.results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(report.json, undefined, 1))
  if (dry) return
  const file = join(benchFolder, 'RESULTS.md')
  const page = existsSync(file) ? readFileSync(file, 'utf8') : ''
  writeFileSync(file, updateResults(page, name, report.text))
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'boolean' },
      dry: { type: 'boolean' },
    },
  })
  const [name] = positionals
  if (name === undefined) {
    await list()
    return 0
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (!benchNames().includes(name) || (rounds !== undefined && !(rounds >= 1))) {
    await list()
    return 2
  }
  const bench = narrow(await loadBench(name), values.only)
  // A bench that needs PostgreSQL starts it, with what is committed on the disk.
  process.env['TIDINGS_TEST_POSTGRES_DURABLE'] = '1'
  const end = setup()
  let result: RunResult
  try {
    result = await measure(bench, rounds ?? bench.rounds)
  } finally {
    await end?.()
  }
  const report = makeReport(result)
  keep(name, report, values.dry === true || values.only !== undefined)
  process.stdout.write(
    values.json === true ? `${JSON.stringify(report.json)}\n` : `\n${report.text}\n`,
  )
  if (report.verdicts.some(({ outcome }) => outcome === 'miss')) return 1
  return report.passed ? 0 : 3
}

process.exitCode = await main()
