import type { Admin, OperationRecord } from 'tidings'
import { isUuid, OperationError } from 'tidings/contract'
import type { VerbContext } from '../context.ts'
import { wrongUsage } from '../failure.ts'

/**
 * @throws {Failure} wrong usage: an id that is none
 * @throws {OperationError} there is none
 */
export async function requireOperation(
  admin: Admin,
  id: string,
  { t }: VerbContext,
): Promise<OperationRecord> {
  if (!isUuid(id)) throw wrongUsage(t('operations.not-an-id', { value: id }), t('operations.find'))
  const operation = await admin.operations.find(id.toLowerCase())
  if (operation !== undefined) return operation
  throw new OperationError('TIDINGS_OPERATION_UNKNOWN', id)
}
