/** The work that the tasks bench has done: none, so that only the queue is measured. */
import * as z from 'zod'
import { defineEvent, defineTask } from 'tidings'

export const LabelPrinted = defineEvent('Bench.Label.Created', {
  payload: z.object({ parcelId: z.string(), pages: z.number() }),
})

export const PrintLabel = defineTask('Bench.Label.Requested', {
  payload: z.object({ parcelId: z.string(), depot: z.string() }),
  results: [LabelPrinted],
})
