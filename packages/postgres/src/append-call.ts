import type { AppendResult, CommandRecord, ExpectedVersion, StreamAppend } from 'tidings'
import { toIsoTime } from 'tidings'

import type { Names, NameTables } from './names.ts'
import type { PostgresSettings } from './options.ts'
import type { Row, Session } from './session.ts'

/** What one caller wants to append. */
export interface AppendRequest {
  readonly appends: readonly StreamAppend[]
  readonly command: CommandRecord | undefined
}

/** What the database says to one request. */
export type Verdict =
  | { readonly kind: 'written'; readonly results: readonly AppendResult[] }
  | Refused

/** Ids, command or version speak against it; which of them, the ids decide. Nothing was written. */
export interface Refused {
  readonly kind: 'refused'
  /** The command is recorded already. */
  readonly taken: boolean
  /** The version of each stream. */
  readonly found: readonly number[]
}

/**
 * Appends what several callers want in one statement, which is a transaction of its own unless the session
 * is in one. The streams, and the commands, of all requests must differ.
 *
 * @param strict look up every id, so that one that is there already is an answer and no error
 */
export async function appendRequests(
  session: Session,
  requests: readonly AppendRequest[],
  { settings, names, strict }: AppendParts,
): Promise<readonly Verdict[]> {
  const now = settings.now === undefined ? null : toIsoTime(settings.now())
  const rows = await session.rows(settings.appendSql, [strict, ...encodeCall(requests, names, now)])
  return readVerdicts(requests, rows)
}

export interface AppendParts {
  readonly settings: PostgresSettings
  readonly names: NameTables
  readonly strict: boolean
}

/** Gives every name in the requests its number, before anything is locked. */
export async function learnNames(
  requests: readonly AppendRequest[],
  names: NameTables,
): Promise<void> {
  const missing = new Map<Names, Set<string>>()
  const meet = (table: Names, name: string | undefined): void => {
    if (name === undefined || table.idOf(name) !== undefined) return
    const known = missing.get(table)
    if (known === undefined) missing.set(table, new Set([name]))
    else known.add(name)
  }
  for (const { appends, command } of requests) {
    meet(names.commandTypes, command?.type)
    for (const { events } of appends) {
      for (const { envelope, topic, schemaHash } of events) {
        meet(names.eventTypes, envelope.eventType)
        meet(names.topics, topic)
        meet(names.schemaHashes, schemaHash)
      }
    }
  }
  for (const [table, unknown] of missing) await table.learn(unknown)
}

/** The parameters of `append_events` behind `strict`, as texts. What is empty for all of them is sent as null. */
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
      this.#times.push(toIsoTime(event.timeMs))
      this.#keys.push(event.key === envelope.aggregateId ? undefined : event.key)
      // Of an import it may be anything; a filter asks for text.
      const { tenant } = envelope.metadata
      this.#tenants.push(typeof tenant === 'string' ? tenant : undefined)
      this.#payloads.push(event.payloadJson)
      this.#metadata.push(event.metadataJson)
    }
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
    const [sep, nil] = chooseMarks([this.#streams, this.#keys.given, this.#tenants.given])
    return [
      sep,
      nil,
      now,
      literal(this.#calls),
      this.#streams.join(sep),
      literal(this.#expected),
      literal(this.#firsts),
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
      this.#commandCalls.length === 0 ? null : literal(this.#commandCalls),
      this.#commands.length === 0 ? null : JSON.stringify(this.#commands),
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

/** Rows come in order of entry; those of commands without events have a negative one, and come first. */
function readVerdicts(
  requests: readonly AppendRequest[],
  rows: readonly Row[],
): readonly Verdict[] {
  const alone = new Map<number, boolean>()
  const entries: Row[] = []
  for (const row of rows) {
    if ((row[0] as number) < 0) alone.set(-(row[0] as number), row[5] as boolean)
    else entries.push(row)
  }
  let next = 0
  return requests.map(({ appends }, index) => {
    const own = entries.slice(next, next + appends.length)
    next += appends.length
    return readVerdict(appends, own, alone.get(index + 1) ?? false)
  })
}

function readVerdict(
  appends: readonly StreamAppend[],
  rows: readonly Row[],
  taken: boolean,
): Verdict {
  const refused = taken || rows.some((row) => row[2] === null)
  if (refused) {
    return {
      kind: 'refused',
      taken: taken || rows.some((row) => row[5] === true),
      found: rows.map((row) => row[1] as number),
    }
  }
  return { kind: 'written', results: appends.map((append, index) => toResult(append, rows[index])) }
}

/** The positions of one stream follow each other: nobody else takes any under the lock. */
function toResult({ stream, events }: StreamAppend, row: Row | undefined): AppendResult {
  if (row === undefined) throw new Error(`append_events said nothing of '${stream}'.`)
  const last = row[3] as number
  return {
    stream,
    version: row[2] as number,
    positions: events.map((_, index) => last - events.length + 1 + index),
    recordedAt: toIsoTime(Math.round(row[6] as number)),
    repeated: false,
  }
}
