import {
  FencedError,
  type Claim,
  type ClaimedProgress,
  type Fence,
  type SubscriptionRecord,
  type SubscriptionState,
  type SubscriptionStore,
} from 'tidings'

import { timeOf, toText } from './cells.ts'
import { msOf } from './event-row.ts'
import type { Row, Session } from './session.ts'
import { nowSql, type TableAccess, type TableWriter } from './table-access.ts'

const COLUMNS = `s.name, s.generation, s.position, s.token, s.owner, s.released, s.paused, s.state, s.reason, ${msOf('s.state_since')}`

export function subscriptionTable(access: TableAccess): SubscriptionStore {
  const { schema, rows, transact, now } = access
  const select = `select ${COLUMNS} from ${schema}.subscriptions s`
  const writing = <Result>(work: (writer: TableWriter) => Promise<Result>): Promise<Result> =>
    transact((session) => work({ schema, session }))
  return {
    find: async (name) => first(await rows(`${select} where s.name = $1`, [name])),
    list: async () => (await rows(`${select} order by s.name`)).map(toRecord),
    countAhead: async (name) => {
      const sql = `select count(*) from ${schema}.done_ahead where subscription = $1`
      return (await rows(sql, [name]))[0]?.[0] as number
    },
    claim: (claim) => writing((writer) => takeOver(writer, claim, now())),
    describe: (fence, { state, reason }) =>
      access.write(({ run }) => {
        const set = `state = $4, reason = $5, state_since = ${nowSql('$6')}`
        return updateFenced({ schema, run }, fence, { set, values: [state, toText(reason), now()] })
      }),
    setPaused: (fence, paused) =>
      access.write(({ run }) =>
        updateFenced({ schema, run }, fence, { set: 'paused = $4', values: [paused] }),
      ),
    release: (fence) => writing((writer) => letGo(writer, fence)),
    reset: (fence, position) => writing((writer) => beginGeneration(writer, fence, position)),
    begin: (fence, position) => writing((writer) => countAttempt(writer, fence, position)),
  }
}

/** @throws {FencedError} nothing was updated: the fence is void */
async function updateFenced(
  { schema, run }: { readonly schema: string; readonly run: Session['run'] },
  { subscription, generation, token }: Fence,
  { set, values }: { readonly set: string; readonly values: readonly unknown[] },
): Promise<void> {
  const sql = `update ${schema}.subscriptions set ${set} where name = $1 and generation = $2 and token = $3`
  const changed = await run(sql, [subscription, generation, token, ...values])
  if (changed === 0) throw new FencedError(subscription, token)
}

async function takeOver(
  { schema, session }: TableWriter,
  { name, token, owner, startAt }: Claim,
  now: string | null,
): Promise<ClaimedProgress> {
  // Waits for the transaction of an owner that is just writing under its token.
  const before = first(
    await session.rows(
      `select ${COLUMNS} from ${schema}.subscriptions s where s.name = $1 for update`,
      [name],
    ),
  )
  const [row] = await session.rows(
    `insert into ${schema}.subscriptions as s (name, generation, position, token, owner, released, paused, state, reason, state_since)
     values ($1, 1, $2, $3, $4, false, false, 'starting', '', ${nowSql('$5')})
     on conflict (name) do update set token = excluded.token, owner = excluded.owner, released = false
     where s.token < excluded.token returning ${COLUMNS}`,
    [name, startAt, token, owner, now],
  )
  if (row === undefined) throw new FencedError(name, token)
  const record = toRecord(row)
  const own = [name, record.generation]
  const ahead = await session.rows(
    `select position from ${schema}.done_ahead where subscription = $1 and generation = $2 order by position`,
    own,
  )
  const begun = await session.rows(
    `select position, attempts from ${schema}.begun where subscription = $1 and generation = $2`,
    own,
  )
  return {
    record,
    // One that was never there has no event in flight either.
    wasReleased: before?.released ?? true,
    ahead: ahead.map(([position]) => position as number),
    begun: new Map(begun as unknown as [number, number][]),
  }
}

/** Nothing was in flight, so no attempt that was begun has killed its process. */
async function letGo(writer: TableWriter, fence: Fence): Promise<void> {
  const { schema, session } = writer
  const { run } = session
  await updateFenced({ schema, run }, fence, { set: 'released = true', values: [] })
  await run(`delete from ${schema}.begun where subscription = $1 and generation = $2`, [
    fence.subscription,
    fence.generation,
  ])
}

async function beginGeneration(
  { schema, session }: TableWriter,
  fence: Fence,
  position: number,
): Promise<SubscriptionRecord> {
  const { subscription, token } = fence
  const { run } = session
  const set = 'generation = generation + 1, position = $4'
  await updateFenced({ schema, run }, fence, { set, values: [position] })
  // Nobody can ask for those of an earlier generation any more.
  for (const table of ['done_ahead', 'begun']) {
    await run(`delete from ${schema}.${table} where subscription = $1`, [subscription])
  }
  const rows = await session.rows(
    `select ${COLUMNS} from ${schema}.subscriptions s where s.name = $1`,
    [subscription],
  )
  const record = first(rows)
  if (record === undefined) throw new FencedError(subscription, token)
  return record
}

async function countAttempt(writer: TableWriter, fence: Fence, position: number): Promise<number> {
  const { schema, session } = writer
  await requireFence(writer, fence)
  const [row] = await session.rows(
    `insert into ${schema}.begun as b (subscription, generation, position, attempts) values ($1, $2, $3, 1)
     on conflict (subscription, generation, position) do update set attempts = b.attempts + 1 returning attempts`,
    [fence.subscription, fence.generation, position],
  )
  return row?.[0] as number
}

/**
 * Holds the fence until the transaction ends: whoever takes over waits for that. FOR KEY SHARE, so that
 * the owner's own heartbeat and mark go on (FOR SHARE held them up for 1.2 s).
 *
 * @returns the mark
 * @throws {FencedError} somebody else has taken over
 */
export async function requireFence(
  { schema, session }: TableWriter,
  { subscription, generation, token }: Fence,
): Promise<number> {
  const [row] = await session.rows(
    `select position from ${schema}.subscriptions where name = $1 and generation = $2 and token = $3 for key share`,
    [subscription, generation, token],
  )
  if (row === undefined) throw new FencedError(subscription, token)
  return row[0] as number
}

function first([row]: readonly Row[]): SubscriptionRecord | undefined {
  return row && toRecord(row)
}

function toRecord(row: Row): SubscriptionRecord {
  return {
    name: row[0] as string,
    generation: row[1] as number,
    position: row[2] as number,
    token: row[3] as number,
    owner: row[4] as string,
    released: row[5] as boolean,
    paused: row[6] as boolean,
    state: row[7] as SubscriptionState,
    reason: row[8] as string,
    stateSince: timeOf(row[9]),
  }
}
