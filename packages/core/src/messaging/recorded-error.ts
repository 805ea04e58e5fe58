import { findJsonFault } from '../contract/json.ts'

/** What a command's log row keeps of the error that it ended in. */
interface ErrorRecord {
  readonly name: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * The failure of an earlier send, as its repeat throws it: name, message, code and facts of the
 * original, which itself is gone with the process that threw it.
 */
export class RecordedCommandError extends Error {
  /** Always true: tells it from the error that the first send threw. */
  readonly repeated = true

  constructor(record: ErrorRecord) {
    super(record.message)
    Object.assign(this, record.fields)
    this.name = record.name
  }
}

/** An error as JSON. Fields that JSON cannot say are left out; the stack stays with the first caller. */
export function toErrorJson(error: unknown): string {
  if (!(error instanceof Error))
    return JSON.stringify({ name: 'Error', message: String(error), fields: {} })
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(error)) {
    if (key !== 'name' && key !== 'cause' && findJsonFault(value) === undefined) fields[key] = value
  }
  return JSON.stringify({ name: error.name, message: error.message, fields } satisfies ErrorRecord)
}

const UNKNOWN_FAILURE: ErrorRecord = { name: 'Error', message: 'The command failed.', fields: {} }

export function fromErrorJson(json: string | undefined): RecordedCommandError {
  const record = json === undefined ? UNKNOWN_FAILURE : (JSON.parse(json) as ErrorRecord)
  return new RecordedCommandError(record)
}
