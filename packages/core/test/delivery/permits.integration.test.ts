import { existsSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { decodeEvent } from '../../src/contract/codec.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { sealEnvelope } from '../../src/contract/seal.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { sqlite, type SqliteStore } from '../../src/sqlite.ts'
import type { SqlTransaction } from '../../src/store/store.ts'
import { temporaryFile } from '../support/stores.ts'

const permits = '../shared/data/permits.ndjson'

interface CaseRow {
  readonly name: string
  readonly steps: number
  readonly last_at: string
  /** Tasks and who did them, in order: two that change places make another text. */
  readonly path: string
}

/** The whole of the business in plain code, as it stands in the file. */
function foldFile(lines: readonly string[]): CaseRow[] {
  const cases = new Map<string, CaseRow>()
  for (const line of lines) {
    const {
      subject: name,
      time,
      data,
    } = JSON.parse(line) as {
      subject: string
      time: string
      data: { task: string; resource: string }
    }
    const before = cases.get(name)
    cases.set(name, {
      name,
      steps: (before?.steps ?? 0) + 1,
      last_at: time,
      path: `${before?.path ?? ''}>${data.task}:${data.resource}`,
    })
  }
  return [...cases.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** About 3 of 100 cases. */
const isBad = (name: string): boolean => Number(name.replace('case-', '')) % 33 === 0

async function openLog(lines: readonly string[]): Promise<SqliteStore> {
  const store = sqlite({ file: temporaryFile(), synchronous: 'normal' })
  const events = lines.map((line) => sealEnvelope(decodeEvent(line).envelope, undefined))
  await Promise.all(
    events.map((event) => {
      const stream = `${event.envelope.aggregateType}/${event.envelope.aggregateId}`
      return store.append([{ stream, expectedVersion: 'any', events: [event] }])
    }),
  )
  await store.transaction(
    (tx) =>
      tx.sql`create table cases (name text primary key, steps integer, last_at text, path text)`,
  )
  return store
}

function casesModule(
  effects: 'anywhere' | 'database',
  types: readonly string[],
  isMended: () => boolean,
) {
  const stepTaken = defineEvent('Permits.Case.Advanced', {
    payload: z.looseObject({ task: z.string(), resource: z.string() }),
    aliases: types,
  })
  const cases = defineSubscription<'cases', typeof stepTaken, SqlTransaction>('cases', {
    events: stepTaken,
    effects,
    retry: { attempts: 2, delay: 0 },
    handle: async ({ aggregateId: name, timestamp, payload: { task, resource } }, { tx }) => {
      const step = `>${task}:${resource}`
      await tx.sql`
        insert into cases values (${name}, 1, ${timestamp}, ${step})
        on conflict do update set
          steps = steps + 1, last_at = excluded.last_at, path = path || excluded.path`
      if (!isMended() && isBad(name)) throw new Error(`The register knows no '${name}'`)
    },
  })
  return defineModule('permits', [cases])
}

test.runIf(existsSync(permits)).each(['anywhere', 'database'] as const)(
  'a real log whose bad cases are redriven after the mending makes the tables of a straight fold; effects %s',
  async (effects) => {
    const lines = readFileSync(permits, 'utf8').trimEnd().split('\n')
    const types = [...new Set(lines.map((line) => (JSON.parse(line) as { type: string }).type))]
    const store = await openLog(lines)
    let isMended = false
    const app = await bootstrap({
      store,
      modules: [casesModule(effects, types, () => isMended)],
      delivery: { pollMs: 5 },
    })
    onTestFinished(() => app.close())
    const rows = () => store.transaction((tx) => tx.sql<CaseRow>`select * from cases order by name`)
    const wanted = foldFile(lines)
    const bad = wanted.filter(({ name }) => isBad(name))

    await app.delivery.caughtUp()
    expect(await rows(), 'the other cases go on').toEqual(wanted.filter(({ name }) => !isBad(name)))
    const events = bad.reduce((sum, { steps }) => sum + steps, 0)
    expect(await app.admin.subscription('cases')).toMatchObject({
      parked: events,
      deadLetters: bad.length,
    })
    expect(bad.length / wanted.length).toBeCloseTo(0.03, 2)

    isMended = true
    const { operationId } = await app.admin.request({
      kind: 'redrive',
      subscription: 'cases',
      by: 'ann',
      reason: 'the register is mended',
    })
    const { operation } = await app.admin.ended(operationId, { everyMs: 5 })
    // One that waited behind another may have followed it before the operation came to it.
    const { moved, resolved, parkedAgain } = operation.result as Record<string, number>
    expect(moved).toBeGreaterThanOrEqual(bad.length)
    expect({ resolved, parkedAgain }).toEqual({ resolved: moved, parkedAgain: 0 })
    await expect.poll(async () => (await app.admin.subscription('cases')).parked).toBe(0)
    expect(await rows()).toEqual(wanted)
  },
)
