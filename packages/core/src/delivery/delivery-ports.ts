import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { Sent } from '../contract/define-aggregate.ts'
import type { EventMetadata } from '../contract/envelope.ts'
import type { Random } from '../internal/backoff.ts'
import type { Observations } from '../observe/observations.ts'
import type { Store } from '../store/store.ts'
import type { AppStorePorts } from '../work/app-store.ts'

/** What a command is sent with, where it is not a person who sends it. */
export interface SendAs {
  readonly commandId: string
  readonly correlationId?: string
  readonly metadata?: EventMetadata
  readonly signal?: AbortSignal
}

/** Sends a command to its handler, in a transaction of its own. */
export type SendCommand = (
  command: AnyCommandDefinition,
  input: unknown,
  options: SendAs,
) => Promise<Sent<unknown, never, unknown>>

/** What everything that is delivered needs. */
export interface DeliveryPorts extends AppStorePorts {
  readonly store: Store
  readonly send: SendCommand
  readonly observations: Observations
  readonly random: Random
}
