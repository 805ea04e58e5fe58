import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseLines, runCli } from './support/cli.ts'
import { openShop, type Shop } from './support/shop.ts'

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/

/** The id in what a request prints. */
const operationIn = (text: string): string => UUID.exec(text)?.[0] ?? 'none'

async function json(shop: Shop, ...args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { stdout, stderr } = await shop.tidings(...args, '--json')
  if (stderr.includes('"error"')) throw new Error(stderr)
  return parseLines(stdout)
}

describe('looking', () => {
  test('what is parked is listed, grouped and shown with everything', async () => {
    const shop = await openShop()
    const listed = await shop.tidings('dead-letters', 'list')
    expect(listed.code).toBe(0)
    const rows = listed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
    expect(
      rows.map(([, subscription, key, waitsFor, type]) => [subscription, key, waitsFor, type]),
    ).toEqual([
      ['mail', 'ann', 'a person (dead letter)', 'Shop.Mail.Requested'],
      ['mail', 'ann', 'the one before it', 'Shop.Mail.Requested'],
      ['mail', 'ann', 'the one before it', 'Shop.Mail.Requested'],
    ])
    const [head, second] = rows.map(([id = '']) => id) as [string, string]
    const [group] = await json(shop, 'dead-letters', 'groups')
    expect(group).toMatchObject({
      subscription: 'mail',
      count: 1,
      sample_id: head,
      error: { name: 'Error', message: 'ann does not answer' },
    })
    const filtered = await json(
      shop,
      'dead-letters',
      'list',
      '--group',
      String(group?.['fingerprint']),
    )
    expect(filtered.map((one) => one['parked_id'])).toEqual([head])
    const shown = await shop.tidings('dead-letters', 'show', head)
    expect(shown.code).toBe(0)
    for (const part of [
      'on redrive\truns at once',
      '"to": "ann"',
      'attempt 1, ',
      'attempt 2, ',
      'Error: ann does not answer',
      'tidings.config.ts',
      'parked  ann does not answer',
      'Correlation ',
      'Shop.Mail.Requested',
    ]) {
      expect(shown.stdout).toContain(part)
    }
    const [whole] = await json(shop, 'dead-letters', 'show', second)
    expect(whole).toMatchObject({
      reason: 'behind',
      event: { event_type: 'Shop.Mail.Requested', payload: { to: 'ann', lines: 3 } },
      attempts: [],
      on_redrive: { verdict: 'waits', behind: head },
    })
  })

  test('an export holds everything, or what import reads back', async () => {
    const shop = await openShop()
    const letters = await json(shop, 'dead-letters', 'export')
    expect(letters).toHaveLength(3)
    expect(letters[0]).toMatchObject({
      subscription: 'mail',
      event: { payload: { to: 'ann', lines: 1 } },
      attempts: [{ error: { message: 'ann does not answer' } }, {}],
      history: [{ by: 'runtime', what: 'parked' }],
    })
    const written = await shop.tidings(
      'dead-letters',
      'export',
      '--format',
      'events',
      '--out',
      'mail.ndjson',
    )
    expect(written.stdout).toBe('3 parked events written to mail.ndjson\n')
    const imported = await runCli(
      ['import', 'mail.ndjson', '--store', 'sqlite:copy.db', '--json'],
      { cwd: shop.cwd },
    )
    expect(JSON.parse(imported.stdout)).toMatchObject({ read: 3, stored: 3, rejected: 0 })
  })

  test('subscriptions say whether somebody runs them, and how far they are', async () => {
    const shop = await openShop()
    const [stopped] = await json(shop, 'subscriptions', 'list')
    expect(stopped).toMatchObject({
      name: 'mail',
      state: 'stopped',
      owner: null,
      lag_events: 0,
      parked: 3,
      dead_letters: 1,
    })
    const app = await shop.startApp()
    const shown = await shop.tidings('subscriptions', 'show', 'mail')
    expect(shown.stdout).toMatch(new RegExp(`^owner\\t.+:${app.child.pid}:`, 'm'))
    expect(shown.stdout).toContain('state\tlive')
    app.child.kill('SIGKILL')
    await new Promise((resolve) => app.child.once('exit', resolve))
    const killed = await shop.tidings('subscriptions', 'list', '--lang', 'zh')
    expect(killed.stdout).toContain('mail\t未运行（曾为 live）')
  })
})

describe('redriving', () => {
  test('a dry run says what would happen, and does none of it', async () => {
    const shop = await openShop()
    const [head, second, third] = (await shop.letters()) as [string, string, string]
    const plan = await shop.tidings(
      'dead-letters',
      'redrive',
      '--subscription',
      'mail',
      '--dry-run',
    )
    expect(
      plan.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t').slice(0, 3)),
    ).toEqual([
      [head, 'ann', 'runs at once'],
      [second, 'ann', `runs after ${head}`],
      [third, 'ann', `runs after ${second}`],
    ])
    expect(plan.stderr).toBe(
      '3 would be handled, 0 would stay behind others, 0 refused, 0 cannot be redriven. Nothing was done.\n',
    )
    const alone = await shop.tidings('dead-letters', 'redrive', '--id', third, '--dry-run')
    expect(alone.stdout).toContain(`stays parked: ${head} of the same key comes first`)
    expect(await json(shop, 'operations', 'list')).toEqual([])
  })

  test('without an owner it is stored, and the next one carries it out', async () => {
    const shop = await openShop()
    shop.setUnreachable()
    const asked = await shop.tidings(
      'dead-letters',
      'redrive',
      '--subscription',
      'mail',
      '--because',
      'back again',
      '--by',
      'eva',
    )
    expect(asked.code).toBe(0)
    expect(asked.stderr).toBe('Nobody runs mail now: start the application, or use --run.\n')
    const id = operationIn(asked.stdout)
    const listed = await shop.tidings('operations', 'list')
    expect(listed.stdout.trimEnd().split('\t')).toEqual([
      id,
      'redrive',
      'mail',
      'requested',
      expect.any(String),
      'eva',
      'back again',
    ])
    const app = await shop.startApp()
    const ended = await shop.tidings('operations', 'show', id, '--wait')
    expect(ended).toEqual({
      code: 0,
      stdout: 'redrive of mail done. 3 resolved, 0 parked again, 0 refused.\n',
      stderr: '',
    })
    await app.stop()
    expect(shop.sent()).toEqual(['ben:2', 'ben:4', 'ann:1', 'ann:3', 'ann:5'])
    const [letter] = await json(shop, 'dead-letters', 'export', '--state', 'resolved')
    expect(letter?.['history']).toMatchObject([
      { what: 'parked', by: 'runtime' },
      { what: 'redriven', by: 'eva', reason: 'back again', operation_id: id },
      { what: 'resolved', by: 'runtime' },
    ])
  })

  test('while somebody runs the subscription, it does it, at once', async () => {
    const shop = await openShop()
    shop.setUnreachable()
    const app = await shop.startApp()
    const done = await shop.tidings('dead-letters', 'redrive', '--subscription', 'mail', '--wait')
    expect(done.code).toBe(0)
    expect(done.stderr).toMatch(
      new RegExp(`:${app.child.pid}:\\w+ runs mail and will carry it out`),
    )
    await app.stop()
  })

  test('--run carries it out here; what fails again makes exit code 3', async () => {
    const shop = await openShop()
    const run = (): Promise<{ code: number | null; stdout: string; stderr: string }> =>
      runCli(['dead-letters', 'redrive', '--subscription', 'mail', '--run', '--json'], {
        cwd: shop.cwd,
      })
    const failed = await run()
    expect(failed.code).toBe(3)
    expect(JSON.parse(failed.stdout)).toMatchObject({
      state: 'done',
      result: { moved: 3, resolved: 0, parked_again: 3 },
    })
    shop.setUnreachable()
    const mended = await run()
    expect(mended.code).toBe(0)
    expect(JSON.parse(mended.stdout)).toMatchObject({ result: { resolved: 3 } })
    expect(shop.sent()).toEqual(['ben:2', 'ben:4', 'ann:1', 'ann:3', 'ann:5'])
    const [after] = await json(shop, 'subscriptions', 'list')
    expect(after, 'it lets go of what it ran').toMatchObject({ owner: null, state: 'stopped' })
  })

  test('an edited payload takes the place of the original', async () => {
    const shop = await openShop()
    const [head = ''] = await shop.letters()
    writeFileSync(join(shop.cwd, 'mended.json'), '{ "to": "anna", "lines": 7 }')
    const { code, stdout } = await runCli(
      ['dead-letters', 'redrive', '--id', head, '--payload', 'mended.json', '--run'],
      { cwd: shop.cwd },
    )
    // Those behind it came along, with payloads of their own.
    expect([code, stdout]).toEqual([3, expect.stringContaining('1 resolved, 2 parked again')])
    expect(shop.sent()).toContain('anna:7')
    const shown = await shop.tidings('dead-letters', 'show', head)
    expect(shown.stdout).toContain('payload that took its place')
    expect(shown.stdout).toContain('"to": "ann"')
    expect(shown.stdout).toContain('already resolved or discarded')
  })

  test('two processes redrive the same letter: it is handled once', async () => {
    const shop = await openShop(['ann'])
    shop.setUnreachable()
    const [head = ''] = await shop.letters()
    const args = ['dead-letters', 'redrive', '--id', head, '--run', '--json']
    const both = await Promise.all([1, 2].map(() => runCli(args, { cwd: shop.cwd })))
    for (const { code, stderr } of both) {
      if (code === 0) continue
      expect(stderr, 'the second one hears why').toContain('TIDINGS_NOTHING_PARKED')
    }
    expect(both.map(({ code }) => code)).toContain(0)
    expect(shop.sent()).toEqual(['ann:1'])
  })

  test('a redrive that SIGKILL cuts off is finished by the next owner, each letter once', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `customer-${index}`)
    const shop = await openShop(names, names)
    shop.setUnreachable()
    const app = await shop.startApp()
    const asked = await shop.tidings(
      'dead-letters',
      'redrive',
      '--subscription',
      'mail',
      '--rate',
      '4',
    )
    await app.says('sent customer-2 3')
    app.child.kill('SIGKILL')
    const id = operationIn(asked.stdout)
    const [middle] = await json(shop, 'operations', 'show', id)
    expect(middle).toMatchObject({ state: 'running', finished_at: null })
    const next = await shop.startApp()
    const ended = await json(shop, 'operations', 'show', id, '--wait')
    expect(ended[0]).toMatchObject({
      state: 'done',
      result: { moved: 12, resolved: 12, parked_again: 0 },
    })
    await next.stop()
    expect(shop.sent()).toEqual(names.map((name, index) => `${name}:${index + 1}`))
  })
})

describe('the rest', () => {
  test('a discard is for good, and keeps why', async () => {
    const shop = await openShop()
    const asked = await runCli(
      ['dead-letters', 'discard', '--key', 'ann', '--because', 'a test', '--yes', '--run'],
      { cwd: shop.cwd },
    )
    expect(asked.stdout).toBe('discard of mail done. 3 discarded.\n')
    const [letter] = await json(shop, 'dead-letters', 'export', '--state', 'discarded')
    expect(letter?.['history']).toMatchObject([{}, { what: 'discarded', reason: 'a test' }])
    expect(await shop.letters()).toEqual([])
  })

  test('a pause, a reset and a resume', async () => {
    const shop = await openShop()
    shop.setUnreachable()
    const app = await shop.startApp()
    for (const [words, says] of [
      [['pause', 'mail', '--because', 'moving'], 'pause of mail done.\n'],
      [
        ['reset', 'mail', '--to', 'beginning', '--yes'],
        'reset of mail done. It is in generation 2 now.\n',
      ],
    ] as const) {
      expect((await shop.tidings('subscriptions', ...words, '--wait')).stdout).toBe(says)
    }
    const [paused] = await json(shop, 'subscriptions', 'show', 'mail')
    expect(paused).toMatchObject({ is_paused: true, state: 'paused', generation: 2, lag_events: 5 })
    expect((await shop.tidings('subscriptions', 'resume', 'mail', '--wait')).code).toBe(0)
    await app.says('sent ann 5')
    await app.stop()
    // In order for each of them; one does not wait for the other.
    const again = Object.groupBy(shop.sent().slice(2), (mail) => mail.slice(0, 3))
    expect(again).toEqual({ ann: ['ann:1', 'ann:3', 'ann:5'], ben: ['ben:2', 'ben:4'] })
  })

  test('an operation that nobody has begun can be cancelled, and once only', async () => {
    const shop = await openShop()
    const asked = await shop.tidings('dead-letters', 'redrive', '--subscription', 'mail')
    const id = operationIn(asked.stdout)
    const cancelled = await shop.tidings('operations', 'cancel', id, '--because', 'too early')
    expect(cancelled).toMatchObject({ code: 0, stderr: '' })
    const again = await shop.tidings('operations', 'cancel', id)
    expect(again).toMatchObject({
      code: 1,
      stdout: `Operation ${id} has ended already: cancelled.\n`,
    })
    const shown = await shop.tidings('operations', 'show', id)
    expect(shown.stdout).toMatch(/^cancelled by\t\S+ too early$/m)
  })
})
