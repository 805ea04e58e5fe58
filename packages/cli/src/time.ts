import { parseIsoTime, toIsoTime } from 'tidings/contract'

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/**
 * What a person may write for a time: RFC 3339 with an offset, a day (its first moment, UTC), or how
 * long ago (`30s`, `90m`, `2h`, `7d`, `1w`). `undefined` for anything else: a local time without an
 * offset too, because it would mean another moment on another machine.
 */
export function parseTime(text: string, nowMs: number): string | undefined {
  const ago = /^(\d{1,9})([smhdw])$/.exec(text)
  if (ago !== null)
    return formatTime(nowMs - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs])
  const timeMs = parseIsoTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text)
  return timeMs === undefined ? undefined : toIsoTime(timeMs)
}

const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z')

function formatTime(timeMs: number): string {
  return toIsoTime(Math.max(timeMs, EARLIEST_MS))
}
