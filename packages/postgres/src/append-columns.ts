import { toIsoTime, type CommandRecord, type ExpectedVersion, type StreamAppend } from 'tidings'

import type { AppendRequest } from './append-request.ts'
import type { NameTables } from './names.ts'

/** The parameters of `append_batch` behind `strict`, as texts. What is empty for all of them is sent as null. */
export function encodeCall(
  requests: readonly AppendRequest[],
  names: NameTables,
  now: string | null,
): readonly (string | null)[] {
  const columns = new Columns()
  for (const [call, { appends, command }] of requests.entries()) {
    for (const append of appends) columns.addStream(call + 1, append, names)
    if (command !== undefined) columns.addCommand(call + 1, command, names)
  }
  return columns.parameters(now)
}

/** The parameters of `append_plain` behind `strict`, for requests that are of one stream each and have no command. */
export function encodePlain(
  requests: readonly AppendRequest[],
  names: NameTables,
  now: string | null,
): readonly (string | null)[] {
  const columns = new Columns()
  for (const { appends } of requests) columns.addStream(0, appends[0] as StreamAppend, names)
  return columns.plainParameters(now)
}

/** One list for each parameter. Numbers, ids and times need no escaping within an array. */
class Columns {
  readonly #calls: number[] = []
  readonly #streams: string[] = []
  readonly #expected: number[] = []
  readonly #firsts: string[] = []
  readonly #entries: number[] = []
  readonly #orders: number[] = []
  readonly #ids: string[] = []
  readonly #types: number[] = []
  readonly #versions: number[] = []
  readonly #topics = new Sparse<number>()
  readonly #schemas = new Sparse<number>()
  readonly #classes = new Sparse<string>()
  readonly #correlations: string[] = []
  readonly #causes = new Sparse<string>()
  readonly #times: string[] = []
  #lastMs = Number.NaN
  #lastTime = ''
  readonly #keys = new Sparse<string>()
  readonly #tenants = new Sparse<string>()
  readonly #payloads: string[] = []
  readonly #metadata = new Sparse<string>()
  readonly #commandCalls: number[] = []
  readonly #commands: object[] = []

  addStream(
    call: number,
    { stream, expectedVersion, events }: StreamAppend,
    names: NameTables,
  ): void {
    this.#calls.push(call)
    this.#streams.push(stream)
    this.#expected.push(expectedNumber(expectedVersion))
    this.#firsts.push(events[0]?.envelope.eventId ?? '')
    const entry = this.#calls.length
    for (const [index, event] of events.entries()) {
      const { envelope } = event
      this.#entries.push(entry)
      this.#orders.push(index + 1)
      this.#ids.push(envelope.eventId)
      this.#types.push(names.eventTypes.idOf(envelope.eventType) ?? Number.NaN)
      this.#versions.push(envelope.eventVersion)
      this.#topics.push(event.topic === undefined ? undefined : names.topics.idOf(event.topic))
      this.#schemas.push(
        event.schemaHash === undefined ? undefined : names.schemaHashes.idOf(event.schemaHash),
      )
      this.#classes.push(event.class === 'work' ? 'w' : undefined)
      this.#correlations.push(envelope.correlationId)
      this.#causes.push(envelope.causationId)
      this.#times.push(this.#timeText(event.timeMs))
      this.#keys.push(event.key === envelope.aggregateId ? undefined : event.key)
      // Of an import it may be anything; a filter asks for text.
      const { tenant } = envelope.metadata
      this.#tenants.push(typeof tenant === 'string' ? tenant : undefined)
      this.#payloads.push(event.payloadJson)
      this.#metadata.push(event.metadataJson)
    }
  }

  /** Events of one batch often have the same time. */
  #timeText(timeMs: number): string {
    if (timeMs !== this.#lastMs) {
      this.#lastMs = timeMs
      this.#lastTime = toIsoTime(timeMs)
    }
    return this.#lastTime
  }

  addCommand(call: number, command: CommandRecord, names: NameTables): void {
    this.#commandCalls.push(call)
    this.#commands.push({
      command_id: command.commandId,
      type: names.commandTypes.idOf(command.type),
      correlation_id: command.correlationId,
      causation_id: command.causationId,
      created_at: command.createdAt,
      request_hash: command.requestHash,
      outcome: command.outcome,
      actor: command.actor,
      stream: command.stream,
      stream_version: command.streamVersion,
      first_position: command.firstPosition,
      last_position: command.lastPosition,
      result: command.result,
    })
  }

  parameters(now: string | null): readonly (string | null)[] {
    const [sep, nil] = this.#marks()
    return [
      sep,
      nil,
      now,
      literal(this.#calls),
      this.#streams.join(sep),
      literal(this.#expected),
      literal(this.#firsts),
      ...this.#events(sep, nil),
      this.#commandCalls.length === 0 ? null : literal(this.#commandCalls),
      this.#commands.length === 0 ? null : JSON.stringify(this.#commands),
    ]
  }

  plainParameters(now: string | null): readonly (string | null)[] {
    const [sep, nil] = this.#marks()
    return [
      sep,
      nil,
      now,
      this.#streams.join(sep),
      literal(this.#expected),
      literal(this.#firsts),
      ...this.#events(sep, nil),
    ]
  }

  #marks(): readonly [string, string] {
    return chooseMarks([this.#streams, this.#keys.given, this.#tenants.given])
  }

  #events(sep: string, nil: string): readonly (string | null)[] {
    return [
      literal(this.#entries),
      literal(this.#orders),
      literal(this.#ids),
      literal(this.#types),
      literal(this.#versions),
      this.#topics.literal(),
      this.#schemas.literal(),
      this.#classes.literal(),
      literal(this.#correlations),
      this.#causes.literal(),
      literal(this.#times),
      this.#keys.joined(sep, nil),
      this.#tenants.joined(sep, nil),
      // JSON has no line breaks of its own.
      this.#payloads.join('\n'),
      this.#metadata.joined('\n', ''),
    ]
  }
}

/** A column in which most rows, and in most batches all, have nothing. */
class Sparse<Value extends string | number> {
  readonly #values: (Value | undefined)[] = []
  readonly given: Value[] = []

  push(value: Value | undefined): void {
    this.#values.push(value)
    if (value !== undefined) this.given.push(value)
  }

  literal(): string | null {
    if (this.given.length === 0) return null
    return `{${this.#values.map((value) => value ?? 'null').join(',')}}`
  }

  joined(separator: string, nil: string): string | null {
    if (this.given.length === 0) return null
    return this.#values.map((value) => value ?? nil).join(separator)
  }
}

function literal(values: readonly (string | number)[]): string {
  return `{${values.join(',')}}`
}

/** Two characters that no text has: the first of the control characters, as good as always. */
function chooseMarks(lists: readonly (readonly string[])[]): readonly [string, string] {
  const free: string[] = []
  for (let code = 1; free.length < 2; code++) {
    const mark = String.fromCharCode(code)
    if (!lists.some((texts) => texts.some((text) => text.includes(mark)))) free.push(mark)
  }
  return [free[0] ?? '', free[1] ?? '']
}

/** The greatest that a column holds. */
const MAX_VERSION = 2_147_483_647

function expectedNumber(expected: ExpectedVersion): number {
  switch (expected) {
    case 'any':
      return -1
    case 'stream-exists':
      return -2
    case 'no-stream':
      return 0
    default:
      // One that no stream has is a conflict as any other, and no error of the statement.
      return Math.min(expected, MAX_VERSION)
  }
}
