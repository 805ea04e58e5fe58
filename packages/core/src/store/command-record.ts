import { TidingsError } from '../errors/tidings-error.ts'

/** What became of a command. */
export type CommandOutcome = 'done' | 'failed'

/** A command as the log keeps it: the root of every trace, and what makes a second send harmless. */
export interface CommandRecord {
  readonly commandId: string
  readonly type: string
  readonly correlationId: string
  readonly causationId: string | undefined
  readonly actor: string | undefined
  /** When it was handled: UTC, ISO 8601, milliseconds. */
  readonly createdAt: string
  /** Tells the same request from another under the same id. */
  readonly requestHash: string
  readonly outcome: CommandOutcome
  /** The stream of its aggregate; undefined for a handler without one. */
  readonly stream: string | undefined
  /** The version of that stream after it. */
  readonly streamVersion: number | undefined
  /** Positions of its first and last event. Filled in by the store; undefined where it has none. */
  readonly firstPosition: number | undefined
  readonly lastPosition: number | undefined
  /** The handler's result or, for a failed one, its error, as JSON; undefined: none. */
  readonly result: string | undefined
}

/** Thrown inside the store when a command id is recorded already; the message bus turns it into the first outcome. */
export class CommandIdTakenError extends TidingsError<'TIDINGS_COMMAND_ID_CONFLICT'> {
  readonly commandId: string

  constructor(commandId: string) {
    super(
      'TIDINGS_COMMAND_ID_CONFLICT',
      `Command ${commandId} is recorded already. Nothing was stored. Look its outcome up.`,
    )
    this.commandId = commandId
  }
}
