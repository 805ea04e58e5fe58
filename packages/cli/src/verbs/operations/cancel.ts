import { readAsker } from '../../admin/asker.ts'
import { operationJson } from '../../admin/json.ts'
import { openDesk } from '../../admin/open-desk.ts'
import { requireOperation } from '../../admin/require-operation.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { cancelSpec } from '../../arguments/subscriptions.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'

/** `tidings operations cancel`: asks that one ends early. */
export async function runCancel(
  context: VerbContext,
  { options, rest }: Arguments<typeof cancelSpec>,
): Promise<ExitCode> {
  const { out, t } = context
  await using desk = await openDesk(context)
  const before = await requireOperation(desk.admin, rest[0] ?? '', context)
  const { operationId } = before
  const operation = await desk.admin.cancel(operationId, readAsker(options))
  const { state, cancelledBy } = operation
  // It may have ended before it was looked at, or in between.
  const isTooLate = before.finishedAt !== undefined || cancelledBy === undefined
  if (out.json) await out.record(operationJson(operation))
  else if (isTooLate) await out.line(t('cancel.too-late', { id: operationId, state }))
  else if (state === 'cancelled') await out.line(t('cancel.done', { id: operationId }))
  else await out.line(t('cancel.asked', { id: operationId }))
  return isTooLate ? exitCodes.failed : exitCodes.done
}
