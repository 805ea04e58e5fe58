import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import {
  bootstrap,
  defineEvent,
  defineModule,
  defineTopic,
  type Envelope,
  type OutgoingRecord,
  type Publisher,
} from '../../src/index.ts'
import { logTo } from '../../src/observe/logging.ts'
import { sensitiveIn } from '../../src/observe/redact.ts'
import { sqlite } from '../../src/sqlite.ts'

const SECRET = 'SECRET-4711'
const Paid = defineEvent('Shop.Bill.Paid', {
  payload: z.object({ n: z.number(), card: z.string() }),
  sensitive: ['/card'],
  topic: defineTopic('bills', { carries: 'facts' }),
})
const modules = [defineModule('shop', [Paid])]

/** Sends all but the second, whose error quotes what was to be sent. */
function refuseSecond(sent: OutgoingRecord[]): Publisher {
  return {
    publish: async (records) =>
      records.map((record) => {
        const isSecond = record.value.includes('"n":2,')
        if (!isSecond) sent.push(record)
        return isSecond ? { ok: false, error: new Error(`no: ${record.value}`) } : { ok: true }
      }),
    close: async () => undefined,
  }
}

test('payloads go out as they are stored; whoever looks into them gets them parsed, without what is sensitive', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-relay-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = sqlite(join(folder, 'log.db'))
  const before = await bootstrap({ store, modules, delivery: { run: false } })
  for (const n of [1, 2, 3]) {
    const events = Paid({ n, card: SECRET })
    await before.store.append({ aggregateType: 'Shop.Bill', aggregateId: `${n}`, events })
  }
  const sent: OutgoingRecord[] = []
  const publisher = refuseSecond(sent)
  const app = await bootstrap({ store, modules, publisher, relay: { retry: { attempts: 1 } } })
  const lines: string[] = []
  const log = (facts: object, message: string): unknown =>
    lines.push(`${message} ${JSON.stringify(facts)}`)
  const logger = { debug: log, info: log, warn: log, error: log }
  logTo(app.observations, logger, { payloads: true, sensitiveOf: sensitiveIn(app.registry) })
  const handled: Envelope[] = []
  app.observations.handled.observe(({ event }) => handled.push(event))
  await app.delivery.caughtUp({ names: ['relay'] })
  const [letter] = await app.admin.parked.list({})
  await app.close()

  expect(sent.map(({ value }) => JSON.parse(value).payload as unknown)).toEqual([
    { n: 1, card: SECRET },
    { n: 3, card: SECRET },
  ])
  expect(JSON.stringify(letter?.attempts)).not.toContain(SECRET)
  expect(letter?.attempts[0]?.error.message).toContain('[sensitive]')
  expect(lines.join('\n')).not.toContain(SECRET)
  expect(lines.join('\n')).toContain('"card":"[sensitive]"')
  expect(handled.map(({ payload }) => payload)).toContainEqual({ n: 1, card: SECRET })
  expect(handled.every((event) => Object.isFrozen(event))).toBe(true)
})
