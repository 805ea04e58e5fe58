import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { sqlite } from 'tidings/sqlite'
import { startService } from '../service.ts'
import { findLogFaults } from './check-log.ts'
import { readFeed } from './feed-reader.ts'
import { smokeRound, tryStep, type Expected, type Step } from './round.ts'

/** Half of the minute in which a smoke test must be over; a whole round takes about a second. */
const TIMEOUT_MS = 30_000

interface Finding {
  readonly name: string
  readonly isRight: boolean
  readonly expected: string
  readonly seen: string
}

/**
 * Starts the service on a fresh store and a free port, tries everything once over HTTP, and looks
 * through the log that it leaves.
 *
 * @returns the exit code: 0 when everything was as expected, 1 otherwise
 */
export async function runSmoke(print: (line: string) => void = console.log): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-smoke-'))
  const file = join(folder, 'todo.db')
  try {
    const findings = await driveService(file)
    findings.push(...(await lookThrough(file)))
    for (const line of table(findings)) print(line)
    const wrong = findings.filter(({ isRight }) => !isRight).length
    print(
      wrong === 0
        ? `Smoke test: all ${findings.length} as expected.`
        : `Smoke test: ${wrong} of ${findings.length} NOT as expected.`,
    )
    return wrong === 0 ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function driveService(file: string): Promise<Finding[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const service = await startService({ store: sqlite(file), port: 0 })
  try {
    const steps = smokeRound()
    const recorded = steps.flatMap(({ expected }) =>
      expected.isReplayed === true ? [] : (expected.recorded ?? []),
    )
    // The feed listens while the round is driven, as a browser would.
    const [feed, findings] = await Promise.all([
      checkFeed(service.url, recorded, signal),
      driveSteps(service.url, steps, signal),
    ])
    return [...findings, feed]
  } finally {
    await service.close()
  }
}

async function driveSteps(
  url: string,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const step of steps) {
    const seen = await tryStep(url, step, signal)
    findings.push({
      name: step.name,
      isRight: isDeepStrictEqual(seen, step.expected),
      expected: describe(step.expected),
      seen: describe(seen),
    })
  }
  return findings
}

async function checkFeed(
  url: string,
  recorded: readonly string[],
  signal: AbortSignal,
): Promise<Finding> {
  const seen: string[] = []
  for await (const message of readFeed(`${url}/feed?after=0`, { signal })) {
    if (seen.push(message.event) === recorded.length) break
  }
  return finding('feed', verbs(recorded), verbs(seen))
}

async function lookThrough(file: string): Promise<Finding[]> {
  await using store = sqlite(file)
  const { events, commands } = await store.catalog.stats()
  const faults = await findLogFaults(store)
  return [
    // Six that recorded an event; four that a rule of the domain refused.
    finding('log', '6 events, 10 commands', `${events} events, ${commands} commands`),
    finding('verify and traces', 'clean', faults.join('; ') || 'clean'),
  ]
}

function finding(name: string, expected: string, seen: string): Finding {
  return { name, isRight: expected === seen, expected, seen }
}

function describe({ status, code, pointer, recorded, todoStatus, isReplayed }: Expected): string {
  const parts = [
    status,
    code,
    pointer,
    recorded && verbs(recorded),
    todoStatus,
    isReplayed === true ? 'replayed' : undefined,
  ]
  return parts.filter((part) => part !== undefined).join(' ')
}

function verbs(types: readonly string[]): string {
  return types.map((type) => type.slice(type.lastIndexOf('.') + 1)).join(' ')
}

function table(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ name }) => name.length))
  return findings.map(({ name, isRight, expected, seen }) => {
    return `${isRight ? '✓' : '✗'} ${name.padEnd(width)}  ${seen}${isRight ? '' : `   EXPECTED ${expected}`}`
  })
}
