import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { beforeEach, describe, expect, test } from 'vitest'
import { untypedEvent } from '../../src/contract/untyped-event.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { ANY } from '../../src/bus/selector.ts'
import { concurrency } from '../../src/bus/operators/concurrency.ts'
import { filter } from '../../src/bus/operators/filter.ts'
import { route } from '../../src/bus/operators/route.ts'
import { window } from '../../src/bus/operators/window.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import { openBus, type OpenBus } from '../support/open-bus.ts'

/** What octokit publishes of GitHub's webhooks, as GitHub sent it. */
interface Example {
  readonly action?: string
  readonly sender?: { readonly login: string; readonly type: string }
  readonly repository?: { readonly full_name: string }
}

interface Webhook {
  readonly name: string
  readonly payload: Example
}

const webhooks = readWebhooks()

function readWebhooks(): readonly Webhook[] {
  const require = createRequire(import.meta.url)
  const file = require.resolve('@octokit/webhooks-examples')
  const groups = JSON.parse(readFileSync(file, 'utf8')) as readonly {
    readonly name: string
    readonly examples: readonly Example[]
  }[]
  return groups.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })))
}

/** `pull_request`, `opened` → `GitHub.PullRequest.Opened`; without an action `GitHub.Push`. */
function typeOf({ name, payload }: Webhook): string {
  const parts = payload.action === undefined ? [name] : [name, payload.action]
  const toPascal = (part: string): string =>
    part.replaceAll(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase())
  return ['GitHub', ...parts.map(toPascal)].join('.')
}

const payloadOf = ({ payload }: Envelope): Example => payload as Example

/** What a plain loop counts. */
function countBy<Item>(
  items: readonly Item[],
  key: (item: Item) => string,
): Record<string, number> {
  const groups = Object.groupBy(items, key)
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, group!.length]))
}

const MINUTE = 60_000
/** The examples come one a second, which is the time that windows see. */
const STEP_MS = 1_000

describe("GitHub's webhooks as events of a bus", () => {
  const definitions = new Map(
    webhooks.map((webhook) => [typeOf(webhook), untypedEvent(typeOf(webhook))]),
  )
  let open: OpenBus

  beforeEach(() => {
    open = openBus({ events: [...definitions.values()] })
  })

  async function publishAll(): Promise<void> {
    for (const webhook of webhooks) {
      const { outcomes } = await open.bus.publish(
        definitions.get(typeOf(webhook))!(webhook.payload),
      )
      expect(outcomes.filter(({ failed }) => failed)).toEqual([])
      await open.clock.advance(STEP_MS)
    }
  }

  test('there is enough of it to mean something', () => {
    expect(webhooks.length).toBeGreaterThan(300)
    expect(definitions.size).toBeGreaterThan(100)
    expect(definitions.has('GitHub.PullRequest.Opened')).toBe(true)
    expect(definitions.has('GitHub.Push')).toBe(true)
  })

  test('every payload arrives as it was sent, by definition, by glob and by ANY', async () => {
    const heard: unknown[] = []
    const counts = { definition: 0, glob: 0 }
    open.bus.subscribe(ANY, ({ payload }) => void heard.push(payload))
    open.bus.subscribe(definitions.get('GitHub.Issues.Opened')!, () => void counts.definition++)
    open.bus.subscribe('GitHub.PullRequest.*', () => void counts.glob++)
    await publishAll()
    expect(heard).toEqual(webhooks.map(({ payload }) => payload))
    const plain = countBy(webhooks, typeOf)
    expect(counts).toEqual({
      definition: plain['GitHub.Issues.Opened'],
      glob: webhooks.filter(({ name, payload }) => name === 'pull_request' && payload.action)
        .length,
    })
  })

  test('route: each type to its handler, the rest to the default', async () => {
    const routed: Record<string, number> = { opened: 0, closed: 0, other: 0 }
    const table = {
      'GitHub.PullRequest.Opened': () => void routed['opened']!++,
      'GitHub.PullRequest.Closed': () => void routed['closed']!++,
    }
    open.bus.subscribe(ANY, route<Envelope>(table, { default: () => void routed['other']!++ }))
    await publishAll()
    const plain = countBy(webhooks, ({ name, payload }) =>
      name === 'pull_request' && (payload.action === 'opened' || payload.action === 'closed')
        ? payload.action
        : 'other',
    )
    expect(routed).toEqual(plain)
  })

  test('filter: those that a person sent', async () => {
    const senders: string[] = []
    open.bus.subscribe(
      ANY,
      filter(
        (event) => payloadOf(event).sender?.type === 'User',
        (event) => void senders.push(payloadOf(event).sender!.login),
      ),
    )
    await publishAll()
    const plain = webhooks.filter(({ payload }) => payload.sender?.type === 'User')
    expect(plain.length).toBeLessThan(webhooks.length)
    expect(senders).toEqual(plain.map(({ payload }) => payload.sender!.login))
  })

  test('tumbling windows by repository hold each event once, in the minute in which it came', async () => {
    const startMs = open.clock.now()
    const windows: string[] = []
    const repositoryOf = ({ repository }: Example): string => repository?.full_name ?? 'none'
    const listener = open.bus.subscribe(
      ANY,
      window(
        {
          ms: MINUTE,
          count: 1_000,
          kind: 'tumbling',
          key: (event) => repositoryOf(payloadOf(event)),
        },
        (found) => {
          windows.push(`${found.startMs} ${found.key} ${found.events.length}`)
        },
      ),
    )
    await publishAll()
    listener.unsubscribe()
    await open.bus.drain()
    const plain = countBy(
      webhooks.map(({ payload }, index) => ({ payload, atMs: startMs + index * STEP_MS })),
      ({ payload, atMs }) => `${Math.floor(atMs / MINUTE) * MINUTE} ${repositoryOf(payload)}`,
    )
    expect(windows.toSorted()).toEqual(
      Object.entries(plain)
        .map(([name, count]) => `${name} ${count}`)
        .toSorted(),
    )
  })

  test('sliding windows by sender fire as often as plain code says', async () => {
    const fired: Record<string, number> = {}
    const loginOf = ({ sender }: Example): string => sender?.login ?? 'none'
    open.bus.subscribe(
      ANY,
      window({ ms: MINUTE, count: 10, key: (event) => loginOf(payloadOf(event)) }, ({ key }) => {
        fired[key] = (fired[key] ?? 0) + 1
      }),
    )
    await publishAll()
    const came = new Map<string, number[]>()
    const plain: Record<string, number> = {}
    for (const [index, { payload }] of webhooks.entries()) {
      const key = loginOf(payload)
      const times = came.get(key) ?? []
      came.set(key, [...times, index * STEP_MS])
      const tenth = times.at(-9)
      if (tenth !== undefined && index * STEP_MS - tenth < MINUTE)
        plain[key] = (plain[key] ?? 0) + 1
    }
    expect(Object.keys(plain).length).toBeGreaterThan(0)
    expect(fired).toEqual(plain)
  })

  test('statistics: by type, by handler, by agent', async () => {
    using statistics = createStatistics(open.bus.observations, {
      agentOf: (event) => payloadOf(event).sender?.login,
      maxKeys: 500,
    })
    let handled = 0
    open.bus.subscribe(
      'GitHub.Issues.*',
      concurrency({ limit: 2 }, async function issues() {
        handled++
      }),
    )
    await publishAll()
    const { published, unhandled, byType, byAgent, byHandler, limited } = statistics.summary()
    const issues = webhooks.filter(({ name, payload }) => name === 'issues' && payload.action)
    expect(limited).toEqual([])
    expect({ published, unhandled, handled }).toEqual({
      published: webhooks.length,
      unhandled: webhooks.length - issues.length,
      handled: issues.length,
    })
    expect(mapValues(byType, (type) => type.published)).toEqual(countBy(webhooks, typeOf))
    expect(byHandler['issues']).toMatchObject({ count: issues.length, errors: 0 })
    const sent = webhooks.filter(({ payload }) => payload.sender !== undefined)
    expect(mapValues(byAgent, (agent) => agent.published)).toEqual(
      countBy(sent, ({ payload }) => payload.sender!.login),
    )
  })
})

function mapValues<Value>(
  table: Readonly<Record<string, Value>>,
  map: (value: Value) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, map(value)]))
}
