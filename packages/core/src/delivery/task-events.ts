import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
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

const TEXT = { type: 'string' }
const TASK = { type: 'string', format: 'uuid' }
const ATTEMPT = { type: 'integer', minimum: 1 }
const ERROR = {
  type: 'object',
  properties: { name: TEXT, code: TEXT, message: TEXT },
  required: ['name', 'message'],
}

/** The schema of each field of a payload. */
type Fields<Payload> = { readonly [Field in keyof Payload]-?: object }

/**
 * Only the runtime makes them, so their payloads need no check. It says its schema all the same: for whoever
 * reads the log, and since events of a known schema are not checked anew at each reading either.
 */
function trusted<Payload>(
  properties: Fields<Payload>,
  optional: readonly (keyof Payload)[],
): StandardSchemaV1<Payload> & StandardJSONSchemaV1<Payload> {
  const required = Object.keys(properties).filter(
    (name) => !(optional as readonly string[]).includes(name),
  )
  const schema = (): Record<string, unknown> => ({ type: 'object', properties, required })
  return {
    '~standard': {
      version: 1,
      vendor: 'tidings',
      validate: (value) => ({ value: value as Payload }),
      jsonSchema: { input: schema, output: schema },
    },
  }
}

type RuntimeEvent<Payload> = AnyEventDefinition & ((payload: Payload) => Draft)

function defineRuntimeEvent<Payload>(
  type: string,
  properties: Fields<Payload>,
  optional: readonly (keyof Payload)[] = [],
): RuntimeEvent<Payload> {
  const fields = {
    kind: 'event',
    type,
    ...readEventOptions(type, { payload: trusted<Payload>(properties, optional) }),
    class: 'work',
  }
  return makeEventDefinition(fields) as unknown as RuntimeEvent<Payload>
}

export const TaskStarted: RuntimeEvent<Attempted & { readonly worker: string }> =
  defineRuntimeEvent('Tidings.Task.Started', { taskId: TASK, attempt: ATTEMPT, worker: TEXT })
export const TaskProgressReported: RuntimeEvent<Reported> = defineRuntimeEvent<Reported>(
  'Tidings.Task.ProgressReported',
  {
    taskId: TASK,
    attempt: ATTEMPT,
    fraction: { type: 'number', minimum: 0, maximum: 1 },
    note: TEXT,
  },
  ['note'],
)
export const TaskAttemptFailed: RuntimeEvent<Failed> = defineRuntimeEvent(
  'Tidings.Task.AttemptFailed',
  {
    taskId: TASK,
    attempt: ATTEMPT,
    error: ERROR,
    isLast: { type: 'boolean' },
  },
)
export const TaskCancelRequested: RuntimeEvent<Cancelled> = defineRuntimeEvent(
  'Tidings.Task.CancelRequested',
  {
    taskId: TASK,
    by: TEXT,
    reason: TEXT,
  },
)
export const TaskCancelled: RuntimeEvent<Cancelled> = defineRuntimeEvent('Tidings.Task.Cancelled', {
  taskId: TASK,
  by: TEXT,
  reason: TEXT,
})

/** All that the runtime itself records: an application with workers knows them. */
export const taskEvents: readonly AnyEventDefinition[] = [
  TaskStarted,
  TaskProgressReported,
  TaskAttemptFailed,
  TaskCancelRequested,
  TaskCancelled,
]

export type { Attempted, Cancelled, Failed, Reported }
