import type { LogFault } from 'tidings'

/** Something that is wrong: with the log itself, with a cause, or with a payload. */
export interface Fault extends Pick<LogFault, 'message' | 'position' | 'stream'> {
  readonly code: LogFault['code'] | 'cause-missing' | 'cause-later' | 'payload'
  readonly eventId: string | undefined
}

/** A fault as `--json` shows it. */
export function faultJson({
  code,
  message,
  position,
  stream,
  eventId,
}: Fault): Record<string, unknown> {
  return {
    code,
    message,
    position: position ?? null,
    stream: stream ?? null,
    ...(eventId === undefined ? {} : { event_id: eventId }),
  }
}
