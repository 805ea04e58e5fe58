import { FencedError, type Fence, type ProgressChange } from 'tidings'
import { checkProgress, requireNew } from 'tidings/store'

import { requireFence } from './subscription-table.ts'
import type { TableWriter } from './table-access.ts'

/**
 * A step of a subscription, within the transaction of its effects. In order it is one statement.
 *
 * @throws {FencedError} nothing of it was written
 */
export async function writeProgress(writer: TableWriter, change: ProgressChange): Promise<void> {
  checkProgress(change)
  const { mark, ahead = [] } = change
  const position =
    mark === undefined ? await requireFence(writer, change) : await moveMark(writer, change, mark)
  requireNew(change, mark?.from ?? position)
  const beyond = ahead.filter((done) => done > position)
  if (beyond.length > 0) await runAhead(writer, change, beyond)
}

/** What ran ahead, and what was begun, is swept with it. @returns where it is now */
async function moveMark(
  { schema, session }: TableWriter,
  { subscription, generation, token }: Fence,
  { from, to }: NonNullable<ProgressChange['mark']>,
): Promise<number> {
  const [row] = await session.rows(
    `with moved as (
       update ${schema}.subscriptions set position = $5 where name = $1 and generation = $2 and token = $3 and position = $4
       returning name),
     swept as (
       delete from ${schema}.done_ahead where subscription = (select name from moved) and generation = $2 and position <= $5),
     forgotten as (
       delete from ${schema}.begun where subscription = (select name from moved) and generation = $2 and position <= $5)
     select 1 from moved`,
    [subscription, generation, token, from, to],
  )
  if (row === undefined) throw new FencedError(subscription, token)
  return to
}

async function runAhead(
  { schema, session }: TableWriter,
  { subscription, generation, token }: Fence,
  positions: readonly number[],
): Promise<void> {
  const written = await session.rows(
    `with forgotten as (
       delete from ${schema}.begun where subscription = $1 and generation = $2 and position = any($3::bigint[]))
     insert into ${schema}.done_ahead select $1, $2, p from unnest($3::bigint[]) p on conflict do nothing returning 1`,
    [subscription, generation, `{${positions.join(',')}}`],
  )
  if (written.length < positions.length) throw new FencedError(subscription, token)
}
