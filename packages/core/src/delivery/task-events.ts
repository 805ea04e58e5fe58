import type { StandardSchemaV1 } from '@standard-schema/spec'
import { makeEventDefinition, readEventOptions } from '../contract/define-event.ts'
import type { AnyEventDefinition, Draft } from '../contract/definition.ts'
import type { ThrownRecord } from '../store/parked-store.ts'

/** What the runtime records of a task, in the task's own stream. */
interface AboutTask {
  /** The id of the event that asked for the work. */
  readonly taskId: string
}

interface Attempted extends AboutTask {
  /** From 1. */
  readonly attempt: number
}

interface Reported extends Attempted {
  /** From 0 to 1. */
  readonly fraction: number
  readonly note?: string
}

interface Failed extends Attempted {
  readonly error: Pick<ThrownRecord, 'name' | 'code' | 'message'>
  /** No attempt follows by itself. */
  readonly isLast: boolean
}

interface Cancelled extends AboutTask {
  readonly by: string
  readonly reason: string
}

/** Only the runtime makes them, so their payloads need no check. */
function trusted<Payload>(): StandardSchemaV1<Payload> {
  return {
    '~standard': {
      version: 1,
      vendor: 'tidings',
      validate: (value) => ({ value: value as Payload }),
    },
  }
}

type RuntimeEvent<Payload> = AnyEventDefinition & ((payload: Payload) => Draft)

function defineRuntimeEvent<Payload>(type: string): RuntimeEvent<Payload> {
  const fields = {
    kind: 'event',
    type,
    ...readEventOptions(type, { payload: trusted<Payload>() }),
    class: 'work',
  }
  return makeEventDefinition(fields) as unknown as RuntimeEvent<Payload>
}

export const TaskStarted: RuntimeEvent<Attempted & { readonly worker: string }> =
  defineRuntimeEvent('Tidings.Task.Started')
export const TaskProgressReported: RuntimeEvent<Reported> = defineRuntimeEvent(
  'Tidings.Task.ProgressReported',
)
export const TaskAttemptFailed: RuntimeEvent<Failed> = defineRuntimeEvent(
  'Tidings.Task.AttemptFailed',
)
export const TaskCancelRequested: RuntimeEvent<Cancelled> = defineRuntimeEvent(
  'Tidings.Task.CancelRequested',
)
export const TaskCancelled: RuntimeEvent<Cancelled> = defineRuntimeEvent('Tidings.Task.Cancelled')

/** All that the runtime itself records: an application with workers knows them. */
export const taskEvents: readonly AnyEventDefinition[] = [
  TaskStarted,
  TaskProgressReported,
  TaskAttemptFailed,
  TaskCancelRequested,
  TaskCancelled,
]

export type { Attempted, Cancelled, Failed, Reported }
