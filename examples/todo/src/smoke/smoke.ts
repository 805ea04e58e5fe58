import { isDeepStrictEqual } from 'node:util'
import { memoryPublisher, type MemoryPublisher } from 'tidings'
import { openLog } from '../open-log.ts'
import { startService } from '../service.ts'
import { findLogFaults } from './check-log.ts'
import { FeedWatch, type SeenEvent } from './feed-watch.ts'
import { freshLog } from './fresh-log.ts'
import { finding, table, type Finding } from './finding.ts'
import { smokeRound, tryStep, type Expected, type Step } from './round.ts'
import { tellStory } from './story.ts'

/** Half of the minute in which a smoke test must be over; everything takes a few seconds. */
const TIMEOUT_MS = 30_000

/** Their topics. */
const FAMILIES = ['todos', 'reminders', 'analytics', 'notifications', 'audit']

/**
 * Starts the service on a fresh log and a free port, tries everything once over HTTP, and looks
 * through the log that it leaves.
 *
 * @param store in what: a database of PostgreSQL gets a schema for it, in place of a file of SQLite
 * @returns the exit code: 0 when everything was as expected, 1 otherwise
 */
export async function runSmoke(
  store: string,
  print: (line: string) => void = console.log,
): Promise<number> {
  const log = await freshLog(store)
  try {
    const publisher = memoryPublisher()
    const findings = await driveService(log.address, publisher)
    findings.push(...(await lookThrough(log.address, publisher)))
    for (const line of table(findings)) print(line)
    const wrong = findings.filter(({ isRight }) => !isRight).length
    print(
      wrong === 0
        ? `Smoke test: all ${findings.length} as expected.`
        : `Smoke test: ${wrong} of ${findings.length} NOT as expected.`,
    )
    return wrong === 0 ? 0 : 1
  } finally {
    await log.remove()
  }
}

async function driveService(address: string, publisher: MemoryPublisher): Promise<Finding[]> {
  const ending = new AbortController()
  const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ending.signal])
  const productivityWindow = { size: 10, age: '200ms' } as const
  const service = await startService({
    store: openLog(address),
    port: 0,
    publisher,
    productivityWindow,
  })
  try {
    const { url, app } = service
    // The feed listens while everything is driven, as a browser would.
    const feed = new FeedWatch()
    const following = feed.follow(url, signal)
    const steps = smokeRound()
    const findings = await driveSteps(url, steps, signal)
    findings.push(await checkFeed(feed, steps, signal))
    findings.push(...(await tellStory(url, feed, signal)))
    // What is there is handled, and then what came of it is relayed.
    await app.delivery.caughtUp({ signal })
    await app.delivery.caughtUp({ signal })
    ending.abort()
    await following
    return findings
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

/** What the round recorded, as the feed told it. */
async function checkFeed(
  feed: FeedWatch,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<Finding> {
  const recorded = steps.flatMap(({ expected }) =>
    expected.isReplayed === true ? [] : (expected.recorded ?? []),
  )
  const isOfRound = ({ event_type: type }: SeenEvent): boolean => type.startsWith('Todo.Item.')
  const seen = await feed.until(isOfRound, recorded.length, signal)
  return finding('feed', verbs(recorded), verbs(seen.map(({ event_type: type }) => type)))
}

async function lookThrough(address: string, publisher: MemoryPublisher): Promise<Finding[]> {
  await using store = openLog(address)
  const types = await store.catalog.types()
  const { events } = await store.catalog.stats()
  const faults = await findLogFaults(store)
  const published = FAMILIES.map((topic) => publisher.records(topic).length)
  const sum = published.reduce((total, count) => total + count, 0)
  return [
    finding('every event of the five families', '24 of 24', `${types.length} of 24`),
    finding(
      'topics',
      `${FAMILIES.length} with all events`,
      `${published.filter((count) => count > 0).length} with ${sum === events ? 'all events' : `${sum} of ${events} events`}`,
    ),
    finding('verify and traces', 'clean', faults.join('; ') || 'clean'),
  ]
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
