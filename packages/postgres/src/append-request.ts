import type { CommandRecord, StreamAppend } from 'tidings'

/** What one caller wants to append. */
export interface AppendRequest {
  readonly appends: readonly StreamAppend[]
  readonly command: CommandRecord | undefined
}
