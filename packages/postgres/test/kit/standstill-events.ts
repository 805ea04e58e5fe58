import { defineEvent, defineModule, defineSubscription, type SqlTransaction } from 'tidings'
import * as z from 'zod'

const payload = z.object({ key: z.string(), n: z.number() })
export type Step = z.infer<typeof payload>

export const Counted = defineEvent('Standstill.Counter.Counted', { payload })
export const Recorded = defineEvent('Standstill.Echo.Recorded', { payload })

/** An event for each event, and whatever else `leave` writes, in one transaction. */
export function makeStandstill(
  leave: (step: Step, tx: Pick<SqlTransaction, 'sql'>) => Promise<void>,
) {
  const echo = defineSubscription<'echo', typeof Counted, SqlTransaction>('echo', {
    events: Counted,
    async handle({ payload: step }, { tx }) {
      await leave(step, tx)
      await tx.append({
        aggregateType: 'Standstill.Echo',
        aggregateId: step.key,
        events: Recorded(step),
      })
    },
  })
  return defineModule('standstill', [Counted, Recorded, echo])
}
