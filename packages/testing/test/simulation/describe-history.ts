import type { ParkedEvent } from 'tidings'
import { readRecordName } from '../../../core/src/delivery/shards.ts'
import type { Committed, Entry, JournalLine } from './journal.ts'
import type { HistoryPlan } from './plan-types.ts'
import { SUBSCRIPTION } from './process-store.ts'

/** A history as text: what it was made of, and what happened, a line each. */
export function describeHistory(plan: HistoryPlan, lines: readonly JournalLine[]): string {
  const { subscription, shards, leaseMs, graceMs, pollMs, latencyMs } = plan
  const shape = { ...subscription, shards, leaseMs, graceMs, pollMs, latencyMs }
  return [
    `seed ${plan.seed}`,
    `subscription ${JSON.stringify(shape)}`,
    ...plan.events.map(({ n, key, atMs, behaviour, version }) => {
      const { kind, ...rest } = behaviour
      const what = Object.values(rest).map((times) =>
        kind === 'slow' ? `${times} ms` : `${times}×`,
      )
      return `event ${n} of ${key} at ${atMs} ms: ${[kind, ...what].join(' ')}${version === 1 ? '' : ', version 2'}`
    }),
    ...lines.flatMap(({ atMs, entry }) => {
      const text = describeEntry(entry)
      return text === undefined ? [] : [`${String(atMs).padStart(7)}  ${text}`]
    }),
  ].join('\n')
}

function describeEntry(entry: Entry): string | undefined {
  switch (entry.kind) {
    case 'appended':
      return `event ${entry.n} of ${entry.key} is at position ${entry.position}`
    case 'claimed':
      return `${entry.process} owns ${entry.subscription}: token ${entry.token}, generation ${entry.generation}, mark ${entry.position}`
    case 'reset':
      return `${entry.process} begins ${entry.fence.subscription} anew, in generation ${entry.fence.generation + 1} behind ${entry.to}`
    case 'paused':
    case 'resumed':
    case 'released':
      return `${entry.process}: ${entry.fence.subscription} ${entry.kind}`
    case 'unanswered':
      return `${entry.process} hears of no commit`
    case 'watched':
      return `${entry.process} records an attempt of position ${entry.position}`
    case 'requested': {
      const { kind, operationId, request, state, subscription } = entry.operation
      return `somebody asks ${subscription} for ${kind} ${JSON.stringify(request)}: ${operationId}, ${state}`
    }
    case 'began':
      return `${entry.process} begins event ${entry.n}, attempt ${entry.attempt} (run ${entry.run})`
    case 'ended':
      return `${entry.process} ends event ${entry.n}: ${entry.how} (run ${entry.run})`
    case 'state':
      return `${entry.process}: ${entry.from} → ${entry.to} ${entry.reason}`
    case 'process':
      return `${entry.process} ${entry.what}`
    case 'world':
      return entry.what
    default:
      return describeCommitted(entry)
  }
}

function describeCommitted(entry: Committed): string | undefined {
  const { process, progress, effects, parked, operations } = entry
  const steps = progress
    .filter(({ subscription }) => readRecordName(subscription).name === SUBSCRIPTION)
    .flatMap(({ subscription, mark, ahead }) => [
      ...(mark === undefined ? [] : [`mark of ${subscription} ${mark.from} → ${mark.to}`]),
      ...(ahead === undefined ? [] : [`ahead ${ahead.join(', ')}`]),
    ])
  const facts = [
    ...steps,
    ...(effects.length === 0 ? [] : [`effects of events ${effects.join(', ')}`]),
    ...parked.map(describeParked),
    ...operations.map(
      ({ kind, state, progress, result }) =>
        `${kind} ${state} ${JSON.stringify(result ?? progress)}`,
    ),
  ]
  return facts.length === 0 ? undefined : `${process} commits ${facts.join('; ')}`
}

function describeParked({ position, state, reason, attemptCount, dueAt }: ParkedEvent): string {
  const due = dueAt === undefined ? '' : `, due ${dueAt % 10_000_000}`
  return `position ${position} is ${state} (${reason}, ${attemptCount} attempts${due})`
}
