import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineCommand } from '../../src/contract/define-command.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { defineCommandHandler } from '../../src/messaging/command-handler.ts'
import type { SqlTransaction, Store } from '../../src/store/store.ts'
import type { ReceiveContext } from '../../src/work/receive.ts'
import { openSqlite, stores } from '../support/stores.ts'

const payload = z.object({ number: z.number() })
const IssueOpened = defineEvent('Tracker.Issue.Opened', { payload })
const Greet = defineCommand('Tracker.Issue.Greet', { payload })

const message = { source: 'github', id: '72d3162e-cc78-11e3-81ab-4c9367dc0958' }
const opened = (number: number) => ({
  aggregateType: 'Tracker.Issue',
  aggregateId: String(number),
  events: IssueOpened({ number }),
})

async function startTracker(store: Store) {
  const greeted: number[] = []
  const greet = defineCommandHandler(Greet, async ({ number }) => void greeted.push(number))
  const app = await bootstrap({
    store,
    modules: [defineModule('tracker', [IssueOpened, greet])],
  })
  onTestFinished(() => app.close())
  return { app, greeted }
}

async function open(ctx: ReceiveContext): Promise<number> {
  await ctx.tx.append(opened(7))
  ctx.after(0, Greet, { number: 7 })
  return 7
}

describe.each(stores)('a message from elsewhere, on $kind', ({ open: openStore }) => {
  test('has its effect once, however often it comes', async () => {
    const { app, greeted } = await startTracker(await openStore())
    expect(await app.receive(message, open)).toEqual({ repeated: false, result: 7 })
    expect(await app.receive(message, open)).toEqual({ repeated: true })
    expect(await app.store.head()).toBe(1)
    await expect.poll(() => greeted).toEqual([7])
  })

  test('has it once when it comes many times at once', async () => {
    const { app } = await startTracker(await openStore())
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.receive(message, open)))
    expect(answers.filter(({ repeated }) => !repeated)).toHaveLength(1)
    expect(await app.store.head()).toBe(1)
  })

  test('may come again when its effect failed: nothing is left of that', async () => {
    const { app, greeted } = await startTracker(await openStore())
    const failed = app.receive(message, async (ctx) => {
      await open(ctx)
      throw new Error('out of luck')
    })
    await expect(failed).rejects.toThrow('out of luck')
    expect(await app.store.head()).toBe(0)
    expect(await app.receive(message, open)).toEqual({ repeated: false, result: 7 })
    await expect.poll(() => greeted).toEqual([7])
  })

  test('is another one from another source, or with another id', async () => {
    const { app } = await startTracker(await openStore())
    const ids = [
      message,
      { ...message, source: 'gitlab' },
      { ...message, id: 'x' },
      { ...message, id: 'X' },
    ]
    for (const one of ids) expect(await app.receive(one, open)).toMatchObject({ repeated: false })
    expect(await app.store.head()).toBe(4)
  })

  test('gives what is recorded its correlation and metadata', async () => {
    const { app } = await startTracker(await openStore())
    const correlationId = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'
    const seen: string[] = []
    await app.receive({ ...message, correlationId, metadata: { tenant: 't1' } }, async (ctx) => {
      seen.push(ctx.correlationId)
      await ctx.tx.append(opened(1))
    })
    const [event] = await app.store.readAll().toArray()
    expect(event).toMatchObject({ correlationId: seen[0], metadata: { tenant: 't1' } })
    expect(seen).toEqual([correlationId.toLowerCase()])
  })

  test.each([
    [{ source: '', id: 'x' }, 'source'],
    [{ source: 'github', id: '' }, 'id'],
    [{ source: 'github', id: undefined as never }, 'id'],
    [{ source: 'x'.repeat(501), id: 'x' }, 'source'],
  ])('without a name is refused: %j', async (nameless, what) => {
    const { app } = await startTracker(await openStore())
    const refused = app.receive(nameless, open)
    await expect(refused).rejects.toThrow(`The ${what} of a message from elsewhere is a text`)
    expect(await app.store.head()).toBe(0)
  })

  test('is told apart in the handler of a subscription, a command and a transaction', async () => {
    const answers: boolean[] = []
    const see = async (tx: { once(source: string, id: string): Promise<boolean> }) =>
      void answers.push(await tx.once('github', 'm1'))
    const app = await bootstrap({
      store: await openStore(),
      modules: [
        defineModule('tracker', [
          IssueOpened,
          defineCommandHandler(Greet, (_, ctx) => see(ctx.tx)),
          defineSubscription('seeing', { events: IssueOpened, handle: (_, ctx) => see(ctx.tx) }),
        ]),
      ],
    })
    onTestFinished(() => app.close())
    await app.store.append(opened(1), opened(2))
    await app.delivery.caughtUp()
    await app.send(Greet, { number: 1 })
    await app.store.transaction(see)
    expect(answers).toHaveLength(4)
    expect(answers.filter(Boolean)).toEqual([true])
  })
})

test("the user's own rows are part of it", async () => {
  const app = await bootstrap({
    store: openSqlite(),
    modules: [defineModule('tracker', [IssueOpened])],
  })
  onTestFinished(() => app.close())
  const count = async ({ tx }: ReceiveContext<SqlTransaction>): Promise<void> => {
    await tx.sql`create table if not exists seen (n integer)`
    await tx.sql`insert into seen values (1)`
  }
  for (let times = 0; times < 3; times++) await app.receive(message, count)
  const rows = await app.store.transaction((tx) => tx.sql`select count(*) as n from seen`)
  expect(rows).toEqual([{ n: 1 }])
})
