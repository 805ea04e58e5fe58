import type { CommandRecord } from '../command-record.ts'
import type { LogRecord, LogView, MemoryLog } from './memory-log.ts'

/** The log with the transaction's own events on top. */
export class StagedLog implements LogView {
  readonly records: LogRecord[] = []
  readonly commands: Map<string, CommandRecord> = new Map()
  readonly #log: MemoryLog
  readonly #byId = new Map<string, LogRecord>()
  readonly #streams = new Map<string, LogRecord[]>()

  constructor(log: MemoryLog) {
    this.#log = log
  }

  get head(): number {
    return this.records.at(-1)?.position ?? this.#log.head
  }

  recordOf(eventId: string): LogRecord | undefined {
    return this.#byId.get(eventId) ?? this.#log.recordOf(eventId)
  }

  versionOf(stream: string): number {
    return this.#log.versionOf(stream) + (this.#streams.get(stream)?.length ?? 0)
  }

  hasCommand(commandId: string): boolean {
    return this.commands.has(commandId) || this.#log.hasCommand(commandId)
  }

  /** The event of a stream with this version. */
  recordAt(stream: string, version: number): LogRecord | undefined {
    const committed = this.#log.versionOf(stream)
    return version <= committed
      ? this.#log.recordAt(stream, version)
      : this.#streams.get(stream)?.[version - 1 - committed]
  }

  stage(records: readonly LogRecord[], command: CommandRecord | undefined): void {
    for (const record of records) {
      this.records.push(record)
      this.#byId.set(record.sealed.envelope.eventId, record)
      const stream = this.#streams.get(record.stream)
      if (stream === undefined) this.#streams.set(record.stream, [record])
      else stream.push(record)
    }
    if (command !== undefined) this.commands.set(command.commandId, command)
  }
}
