import { FencedError } from '../errors/store-errors.ts'
import { toIsoTime } from '../internal/time.ts'
import type {
  Claim,
  ClaimedProgress,
  Fence,
  SubscriptionRecord,
  SubscriptionState,
  SubscriptionStore,
} from '../store/subscription-store.ts'
import type { Cell, Connection } from './connection.ts'
import type { TableAccess } from './table-access.ts'

const COLUMNS =
  'name, generation, position, token, owner, released, paused, state, reason, state_since'

export function subscriptionTable({ read, write, now }: TableAccess): SubscriptionStore {
  const update = (fence: Fence, set: string, ...values: readonly Cell[]): Promise<void> =>
    write((connection) => updateFenced(connection, fence, { set, values }))
  return {
    find: (name) => read((connection) => findSubscription(connection, name)),
    list: () =>
      read((connection) =>
        connection.rows(`select ${COLUMNS} from subscriptions order by name`).all().map(toRecord),
      ),
    countAhead: (name) =>
      read((connection) => {
        const sql = 'select count(*) from done_ahead where subscription = ?'
        return connection.rows(sql).get(name)?.[0] as number
      }),
    claim: (claim) => write((connection) => takeOver(connection, claim, now())),
    describe: (fence, { state, reason }) =>
      update(fence, 'state = ?, reason = ?, state_since = ?', state, reason, now()),
    setPaused: (fence, paused) => update(fence, 'paused = ?', paused ? 1 : 0),
    release: (fence) =>
      write((connection) => {
        updateFenced(connection, fence, { set: 'released = 1', values: [] })
        // Nothing was in flight, so no attempt that was begun has killed its process.
        connection
          .statement('delete from begun where subscription = ? and generation = ?')
          .run(fence.subscription, fence.generation)
      }),
    reset: (fence, position) => write((connection) => beginGeneration(connection, fence, position)),
    begin: (fence, position) => write((connection) => countAttempt(connection, fence, position)),
  }
}

function findSubscription(connection: Connection, name: string): SubscriptionRecord | undefined {
  const row = connection.rows(`select ${COLUMNS} from subscriptions where name = ?`).get(name)
  return row && toRecord(row)
}

/** @throws {FencedError} nothing was updated: the fence is void */
function updateFenced(
  connection: Connection,
  { subscription, generation, token }: Fence,
  { set, values }: { readonly set: string; readonly values: readonly Cell[] },
): void {
  const { changes } = connection
    .statement(`update subscriptions set ${set} where name = ? and generation = ? and token = ?`)
    .run(...values, subscription, generation, token)
  if (changes === 0) throw new FencedError(subscription, token)
}

function takeOver(connection: Connection, claim: Claim, nowMs: number): ClaimedProgress {
  const { name, token, owner, startAt } = claim
  const before = findSubscription(connection, name)
  if (before !== undefined && before.token >= token) throw new FencedError(name, token)
  connection
    .statement(
      `insert into subscriptions (${COLUMNS}) values (?, 1, ?, ?, ?, 0, 0, 'starting', '', ?)
       on conflict do update set token = excluded.token, owner = excluded.owner, released = 0`,
    )
    .run(name, startAt, token, owner, nowMs)
  const record = findSubscription(connection, name) as SubscriptionRecord
  const { generation } = record
  const ahead = connection
    .rows(
      'select position from done_ahead where subscription = ? and generation = ? order by position',
    )
    .all(name, generation)
  const begun = connection
    .rows('select position, attempts from begun where subscription = ? and generation = ?')
    .all(name, generation)
  return {
    record,
    // One that was never there has no event in flight either.
    wasReleased: before?.released ?? true,
    ahead: ahead.map(([position]) => position as number),
    begun: new Map(begun as [number, number][]),
  }
}

function beginGeneration(
  connection: Connection,
  fence: Fence,
  position: number,
): SubscriptionRecord {
  updateFenced(connection, fence, {
    set: 'generation = generation + 1, position = ?',
    values: [position],
  })
  // Nobody can ask for those of an earlier generation any more.
  for (const table of ['done_ahead', 'begun']) {
    connection.statement(`delete from ${table} where subscription = ?`).run(fence.subscription)
  }
  return findSubscription(connection, fence.subscription) as SubscriptionRecord
}

function countAttempt(connection: Connection, fence: Fence, position: number): number {
  const { subscription, generation } = fence
  requireFence(connection, fence)
  const row = connection
    .rows(
      `insert into begun (subscription, generation, position, attempts) values (?, ?, ?, 1)
       on conflict do update set attempts = attempts + 1 returning attempts`,
    )
    .get(subscription, generation, position)
  return row?.[0] as number
}

/**
 * @returns the mark
 * @throws {FencedError} somebody else has taken over
 */
export function requireFence(
  connection: Connection,
  { subscription, generation, token }: Fence,
): number {
  const row = connection
    .rows('select position from subscriptions where name = ? and generation = ? and token = ?')
    .get(subscription, generation, token)
  if (row === undefined) throw new FencedError(subscription, token)
  return row[0] as number
}

function toRecord(row: readonly Cell[]): SubscriptionRecord {
  return {
    name: row[0] as string,
    generation: row[1] as number,
    position: row[2] as number,
    token: row[3] as number,
    owner: row[4] as string,
    released: row[5] === 1,
    paused: row[6] === 1,
    state: row[7] as SubscriptionState,
    reason: row[8] as string,
    stateSince: toIsoTime(row[9] as number),
  }
}
