import { systemClock, type Clock } from '../internal/clock.ts'
import { toIsoTime } from '../internal/time.ts'
import type { LogFields, Logger, LoggableError } from './logger.ts'

export interface TextLoggerOptions {
  /** Where the text goes; standard error by default. */
  readonly write?: (text: string) => void
  /** For tests. */
  readonly clock?: Clock
}

/** A logger for people: time, level, sentence, and for an error its stack. */
export function textLogger(options: TextLoggerOptions = {}): Required<Logger> {
  const { clock = systemClock, write = (text: string) => void process.stderr.write(text) } = options
  const log =
    (level: string) =>
    (fields: LogFields, message: string): void =>
      write(`${toIsoTime(clock.now())} ${level} ${message}${describeFields(fields)}\n`)
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

function describeFields({ correlationId, durationMs, err, payload }: LogFields): string {
  const took = typeof durationMs === 'number' ? ` after ${durationMs.toFixed(1)} ms` : ''
  const correlation = typeof correlationId === 'string' ? ` (correlation ${correlationId})` : ''
  const data = payload === undefined ? '' : `\n  ${JSON.stringify(payload)}`
  return `${took}${correlation}${data}${describeError(err as LoggableError | undefined)}`
}

function describeError(error: LoggableError | undefined): string {
  if (error === undefined) return ''
  const text = error.stack ?? `${error.name}: ${error.message}`
  const cause = error.cause === undefined ? '' : `\n  caused by${describeError(error.cause)}`
  return `\n  ${text.replaceAll('\n', '\n  ')}${cause}`
}
