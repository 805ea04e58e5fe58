import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { checkLife, type Remains } from './check-life.ts'
import { withRemains } from './live.ts'
import type { Kill, Life } from './plan-life.ts'

/** What may never be found after a kill, and what must be said of it. */
const faults: readonly (readonly [fault: string, statement: string, says: RegExp])[] = [
  [
    'an effect is missing',
    "delete from crash_effects where id = (select max(id) from crash_effects where effect = 'rows')",
    /'rows' of key .* each once, in order/,
  ],
  [
    'an effect is double',
    "insert into crash_effects (effect, key, n) select effect, key, n from crash_effects where effect = 'grouped' limit 1",
    /'grouped' of key .* each once, in order/,
  ],
  [
    'an effect of a shard is double',
    "insert into crash_effects (effect, key, n) select effect, key, n from crash_effects where effect = 'sharded' limit 1",
    /'sharded' of key .* each once, in order/,
  ],
  [
    'effects are out of order',
    "update crash_effects set n = case n when 1 then 2 else 1 end where effect = 'flaky' and key = '3' and n <= 2",
    /'flaky' of key 3: each once, in order/,
  ],
  [
    'a task was done twice',
    "insert into crash_effects (effect, key, n) select effect, key, n from crash_effects where effect = 'job' limit 1",
    /'job' of key .* each once/,
  ],
  ['a timer never fired', "update timers set state = 'waiting'", /each timer has fired/],
  ['a timer fired early', 'update timers set due_at = due_at + 3600000', /a timer fired early/],
  [
    'a letter is left',
    "update parked set state = 'parked' where rowid = (select min(rowid) from parked)",
    /every parked event is accounted for/,
  ],
  [
    'a letter was set aside by nobody',
    "update parked set state = 'discarded' where rowid = (select min(rowid) from parked where subscription = 'flaky' and state = 'resolved')",
    /it is kept why/,
  ],
  [
    'an operation has not ended',
    "update operations set state = 'running'",
    /every operation has ended well/,
  ],
  [
    'a position is left behind the mark',
    "insert into done_ahead (subscription, generation, position) values ('rows', 1, 1000000)",
    /rows: nothing is left ahead/,
  ],
  ['the log is damaged', 'delete from event_log where position = 3', /verify finds nothing/],
]

/** Each of these has happened before the process dies, however slow the machine is. */
const fullOfWork: readonly Kill[] = [
  { kind: 'point', point: 'row-written', hit: 60 },
  { kind: 'point', point: 'task-worked', hit: 10 },
  { kind: 'point', point: 'timer-fired', hit: 10 },
  { kind: 'point', point: 'parked', hit: 3 },
  { kind: 'point', point: 'operation-committed', hit: 2 },
]

it('every fault that a kill may leave is seen', async () => {
  const life: Life = { number: 1, seed: 7, on: 'sqlite', hasNeighbour: false, kills: fullOfWork }
  await withRemains(life, async (left) => {
    expect(await checkLife(left)).toMatchObject({ events: expect.any(Number) as number })
    for (const [fault, statement, says] of faults) {
      await expect(withFault(left, statement, checkLife), fault).rejects.toThrow(says)
    }
    const acknowledged = new Map([['3', 1_000_000]])
    await expect(checkLife({ ...left, acknowledged })).rejects.toThrow(/was acknowledged/)
    await checkPublishedFaults(left)
  })
}, 120_000)

async function checkPublishedFaults(left: Remains): Promise<void> {
  const lines = (await readFile(left.published, 'utf8')).trimEnd().split('\n')
  const withLines = (changed: readonly string[]) =>
    withFault(left, 'select 1', async (copy) => {
      await writeFile(copy.published, `${changed.join('\n')}\n`)
      return checkLife(copy)
    })
  await expect(withLines(lines.slice(0, -1))).rejects.toThrow(/every event that has a topic/)
  await expect(withLines(lines.toReversed())).rejects.toThrow(/what was published under key/)
  const often = Array.from({ length: 50 }, () => lines).flat()
  await expect(withLines(often)).rejects.toThrow(/records came twice/)
}

/** What was left, with something done to it. */
async function withFault<Result>(
  left: Remains,
  statement: string,
  look: (copy: Remains) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-fault-'))
  const copy = { ...left, log: join(folder, 'log.db'), published: join(folder, 'lines.ndjson') }
  try {
    await cp(left.log, copy.log)
    await cp(left.published, copy.published)
    const database = new DatabaseSync(copy.log)
    database.exec(statement)
    database.close()
    return await look(copy)
  } finally {
    await rm(folder, { recursive: true })
  }
}
