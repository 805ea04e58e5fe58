import type { OperationRecord } from 'tidings'
import { operationJson } from '../../admin/json.ts'
import { openDesk } from '../../admin/open-desk.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { listOperationsSpec } from '../../arguments/subscriptions.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'
import { createTable } from '../../output/table.ts'
import { shortTime } from '../../output/units.ts'

/** `tidings operations list`: what was asked of subscriptions, in order of request. */
export async function runList(
  context: VerbContext,
  { options }: Arguments<typeof listOperationsSpec>,
): Promise<ExitCode> {
  const { out, t } = context
  await using desk = await openDesk(context)
  const { subscription, state, limit } = options
  const filter = { subscription, states: state === undefined ? undefined : [state] }
  const operations = await desk.admin.operations.list(filter, { limit })
  if (out.json) for (const operation of operations) await out.record(operationJson(operation))
  else {
    await createTable<OperationRecord>(out, [
      { title: t('column.operation-id'), value: ({ operationId }) => operationId },
      { title: t('column.kind'), value: ({ kind }) => kind },
      { title: t('column.subscription'), value: (one) => one.subscription },
      {
        title: t('column.state'),
        value: (one) => one.state,
        style: (one) => styles[one.state],
      },
      {
        title: t('column.requested'),
        value: ({ requestedAt }) => shortTime(requestedAt),
        plain: ({ requestedAt }) => requestedAt,
      },
      { title: t('column.by'), value: ({ requestedBy }) => requestedBy },
      { title: t('column.why'), value: ({ reason }) => (reason === '' ? '-' : reason) },
    ]).add(operations)
  }
  if (operations.length === 0) {
    // Throws with the nearest names where there is none of this name.
    if (subscription !== undefined) await desk.admin.subscription(subscription)
    out.note(t('operations.none'))
  }
  return exitCodes.done
}

const styles = {
  requested: 'yellow',
  running: 'cyan',
  done: 'green',
  failed: 'red',
  cancelled: 'dim',
} as const
