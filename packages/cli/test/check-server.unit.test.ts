import type { ServerReport } from 'tidings/store'
import { expect, test } from 'vitest'
import { checkServer } from '../src/doctor/check-server.ts'
import { loadTexts } from '../src/texts/texts.ts'

const session = {
  pid: 42,
  application: 'shop',
  user: 'app',
  state: 'idle in transaction',
  seconds: 75,
}
const well: ServerReport = {
  version: '18.4',
  isSupported: true,
  isReadOnly: false,
  synchronousCommit: 'on',
  fsync: true,
  fullPageWrites: true,
  connections: { used: 10, max: 100 },
  hearsMessages: true,
  schema: { number: 3, by: 'tidings 1' },
  longTransactions: [],
  hiddenSessions: 0,
  lock: { holder: undefined, waiting: 0 },
  bloat: [],
  deferred: { waiting: 0, oldestSeconds: 0, refused: 0 },
}

test('a server that is well', async () => {
  const findings = checkServer(well, await loadTexts('en'))
  expect(findings.map(({ state }) => state)).toEqual(findings.map(() => 'ok'))
  expect(findings.map(({ check }) => check)).toEqual([
    'server',
    'writes',
    'commits',
    'connections',
    'messages',
    'schema',
    'lock',
    'transactions',
    'bloat',
  ])
})

test.each<[string, Partial<ServerReport>, 'warn' | 'fail' | 'ok', string]>([
  ['server', { isSupported: false, version: '14.2' }, 'fail', '14.2'],
  ['writes', { isReadOnly: true }, 'fail', 'takes no writes'],
  ['commits', { synchronousCommit: 'off' }, 'warn', 'may lose commits'],
  ['disk', { fsync: false, fullPageWrites: false }, 'warn', 'fsync, full_page_writes off'],
  ['connections', { connections: { used: 80, max: 100 } }, 'warn', '80 of 100'],
  ['messages', { hearsMessages: false }, 'warn', 'every 5 to 250 ms'],
  ['schema', { schema: undefined }, 'warn', 'no log here'],
  [
    'lock',
    { lock: { holder: session, waiting: 3 } },
    'warn',
    'app/shop (process 42, idle in transaction) for 1:15; 3 waiting',
  ],
  ['lock', { lock: { holder: { ...session, seconds: 1 }, waiting: 0 } }, 'ok', 'for 0:01'],
  ['transactions', { longTransactions: [session] }, 'warn', 'open for 1:15: app/shop'],
  ['hidden', { hiddenSessions: 2 }, 'ok', '2 sessions of others'],
  [
    'bloat',
    { bloat: [{ table: 'timers', live: 5, dead: 60_000 }] },
    'warn',
    'timers: 60,000 dead rows beside 5',
  ],
  [
    'deferred',
    { deferred: { waiting: 1, oldestSeconds: 61, refused: 0 } },
    'warn',
    '1 deferred append, the oldest for 1:01',
  ],
  [
    'deferred',
    { deferred: { waiting: 0, oldestSeconds: 0, refused: 2 } },
    'warn',
    '2 deferred appends that can never',
  ],
])('%s: %o', async (check, facts, state, text) => {
  const findings = checkServer({ ...well, ...facts }, await loadTexts('en'))
  const finding = findings.find((one) => one.check === check)
  expect(finding).toMatchObject({ state, text: expect.stringContaining(text) as unknown })
  expect(finding?.todo === undefined, 'what is wrong has something to do').toBe(state === 'ok')
  const chinese = checkServer({ ...well, ...facts }, await loadTexts('zh'))
  expect(chinese.map((one) => [one.check, one.state])).toEqual(
    findings.map((one) => [one.check, one.state]),
  )
})
