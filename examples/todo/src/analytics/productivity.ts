import { defineSubscription, type Duration } from 'tidings'
import { TodoCompleted } from '../todo/contracts.ts'
import { ProductivityMeasured } from './contracts.ts'

type Completion = (typeof TodoCompleted)['~event']

/**
 * How much each user gets done, measured over a window of completions. They wait in the log until the
 * window is full or old enough, so a kill loses none of them; the measurement commits with the progress.
 */
export function productivity(batch: { readonly size: number; readonly age: Duration }) {
  const measure = defineSubscription('productivity', {
    events: [TodoCompleted],
    effects: 'database',
    batch,
    handleBatch: async (events, { causedBy }) => {
      for (const [userId, completions] of Map.groupBy(events, ({ payload }) => payload.userId)) {
        const { tx } = causedBy(completions.at(-1)!)
        await tx.append({
          aggregateType: 'Analytics.Productivity',
          aggregateId: userId,
          events: measurement(userId, completions),
        })
      }
    },
  })
  return [ProductivityMeasured, measure] as const
}

function measurement(
  userId: string,
  completions: readonly Completion[],
): ReturnType<typeof ProductivityMeasured> {
  const times = completions.map(({ payload }) => payload.completedAt).toSorted()
  const seconds = completions.map(({ payload }) => payload.timeToComplete ?? 0)
  return ProductivityMeasured({
    userId,
    completed: completions.length,
    from: times[0]!,
    to: times.at(-1)!,
    averageTimeToComplete: Math.round(seconds.reduce((sum, one) => sum + one, 0) / seconds.length),
  })
}
