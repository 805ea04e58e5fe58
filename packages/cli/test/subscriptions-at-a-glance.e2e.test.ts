import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SubscriptionOverview } from 'tidings'
import { sqlite } from 'tidings/sqlite'
import { checkSubscription } from '../src/doctor/check-subscriptions.ts'
import { loadTexts } from '../src/texts/texts.ts'
import { makeFolder, runCli } from './support/cli.ts'
import { toLines, wireEvent } from './support/events.ts'

const t = await loadTexts('en')

const sound: SubscriptionOverview = {
  name: 'mail',
  generation: 1,
  position: 90,
  state: 'live',
  reason: '',
  stateSince: '2026-11-21T09:30:00.000Z',
  isPaused: false,
  owner: 'here:1:abc',
  lastOwner: 'here:1:abc',
  leaseUntil: '2026-11-21T09:30:10.000Z',
  lagEvents: 0,
  lagMs: 0,
  ahead: 0,
  parked: 0,
  deadLetters: 0,
}

describe('what doctor says of a subscription', () => {
  test.each<[string, Partial<SubscriptionOverview>, 'ok' | 'warn' | 'fail', RegExp | undefined]>([
    ['that is live', {}, 'ok', undefined],
    ['that is behind', { lagEvents: 7, lagMs: 95_000 }, 'ok', undefined],
    ['that was stopped', { state: 'stopped', owner: undefined }, 'ok', undefined],
    [
      'whose owner is gone',
      { owner: undefined },
      'warn',
      /here:1:abc is gone.*Start the application/,
    ],
    [
      'that failed',
      { state: 'failed', reason: 'no such table' },
      'fail',
      /\(no such table\).*resume mail/,
    ],
    ['in an outage', { state: 'outage', reason: '5 keys failed' }, 'warn', /5 keys failed/],
    [
      'that waits',
      { state: 'waiting', reason: 'version 3' },
      'warn',
      /newer version \(version 3\)/,
    ],
    [
      'that is paused',
      { state: 'paused', isPaused: true, reason: 'ann: move' },
      'warn',
      /ann: move.*resume mail/,
    ],
    [
      'with dead letters',
      { parked: 3, deadLetters: 1 },
      'warn',
      /dead-letters list --subscription mail/,
    ],
  ])('%s', (_, facts, state, todo) => {
    const finding = checkSubscription({ ...sound, ...facts }, t)
    expect(finding).toMatchObject({ check: 'subscription mail', state })
    if (todo === undefined) expect(finding.todo).toBeUndefined()
    else expect(finding.todo).toMatch(todo)
  })

  test('is its state, lag, what is parked, and its owner', () => {
    const facts = { lagEvents: 1234, lagMs: 95_000, parked: 3, deadLetters: 1 }
    expect(checkSubscription({ ...sound, ...facts }, t).text).toBe(
      'live; lag 1,234 events, 1:35; 3 parked, 1 dead letter; owner here:1:abc',
    )
  })
})

describe('a log whose subscription has lost its owner', () => {
  /** A process of this machine that is no more: no id is as high. */
  const gone = `${hostname()}:4194999:0123456789ab`

  async function makeLeft(): Promise<string> {
    const cwd = makeFolder()
    const events = Array.from({ length: 100 }, (_, n) => wireEvent(n))
    writeFileSync(join(cwd, 'in.ndjson'), toLines(events))
    expect((await runCli(['import', 'in.ndjson'], { cwd })).code).toBe(0)
    await using store = sqlite(join(cwd, 'tidings.db'))
    const lease = await store.leases.acquire('mail', gone, 3_600_000)
    const token = lease?.token ?? 0
    await store.subscriptions.claim({ name: 'mail', token, owner: gone, startAt: 40 })
    const fence = { subscription: 'mail', generation: 1, token }
    await store.subscriptions.describe(fence, { state: 'live', reason: '' })
    return cwd
  }

  test('doctor says that it is gone, although its lease goes on', async () => {
    const cwd = await makeLeft()
    const result = await runCli(['doctor', '--json'], { cwd })
    expect(result.code).toBe(0)
    const { checks } = JSON.parse(result.stdout) as { checks: { check: string }[] }
    expect(checks.find(({ check }) => check === 'subscription mail')).toMatchObject({
      state: 'warn',
      text: expect.stringContaining('not running (was live); lag 60 events'),
      todo: expect.stringContaining(gone),
    })
    const chinese = await runCli(['doctor', '--lang', 'zh'], { cwd })
    expect(chinese.stdout).toContain('滞后 60 个事件')
    expect(chinese.stdout).toContain('已不存在')
  })

  test('stats shows how far it is behind', async () => {
    const cwd = await makeLeft()
    const { stdout } = await runCli(['stats'], { cwd })
    expect(stdout).toMatch(
      /subscription mail\tnot running \(was live\); lag 60 events, [\d:]+; 0 parked/,
    )
    const json = JSON.parse((await runCli(['stats', '--json'], { cwd })).stdout) as object
    expect(json).toMatchObject({
      subscriptions: [
        { name: 'mail', lag_events: 60, parked: 0, dead_letters: 0, owner: null, last_owner: gone },
      ],
    })
  })
})
