import type { OperationRecord } from 'tidings'
import { waitForEnd } from '../../admin/carry-out.ts'
import { operationJson } from '../../admin/json.ts'
import { openDesk, type Desk } from '../../admin/open-desk.ts'
import { requireOperation } from '../../admin/require-operation.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { showOperationSpec } from '../../arguments/subscriptions.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'
import { printFields } from '../../output/fields.ts'

/** `tidings operations show`: one, whole; with `--wait` what became of it. */
export async function runShow(
  context: VerbContext,
  { options, rest }: Arguments<typeof showOperationSpec>,
): Promise<ExitCode> {
  await using desk = await openDesk(context)
  const operation = await requireOperation(desk.admin, rest[0] ?? '', context)
  if (options.wait) return await waitForEnd(desk, operation.operationId, context)
  if (context.out.json) await context.out.record(operationJson(operation))
  else await print(operation, desk, context)
  return exitCodes.done
}

async function print(
  operation: OperationRecord,
  { admin }: Desk,
  { out, t }: VerbContext,
): Promise<void> {
  const { owner } = await admin.subscription(operation.subscription)
  const hasEnded = operation.finishedAt !== undefined
  const { cancelledBy, cancelReason } = operation
  await printFields(out, [
    [t('operation.id'), operation.operationId],
    [t('operation.kind'), operation.kind],
    [t('letter.subscription'), operation.subscription],
    [t('letter.state'), operation.state],
    [t('operation.by'), operation.requestedBy],
    [t('subscription.why'), operation.reason === '' ? '-' : operation.reason],
    [t('operation.requested'), operation.requestedAt],
    [t('operation.started'), operation.startedAt ?? '-'],
    [t('operation.finished'), operation.finishedAt ?? '-'],
    [t('operation.request'), JSON.stringify(operation.request)],
    [t('operation.progress'), JSON.stringify(operation.progress)],
    [t('operation.result'), JSON.stringify(operation.result ?? null)],
    [t('operation.error'), operation.error ?? '-'],
    [
      t('operation.cancelled'),
      cancelledBy === undefined ? '-' : `${cancelledBy} ${cancelReason ?? ''}`.trimEnd(),
    ],
    ...(hasEnded ? [] : ([[t('subscription.owner'), owner ?? '-']] as const)),
  ])
}
