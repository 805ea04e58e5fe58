import type { LogStats } from 'tidings'
import type { Translate } from '../texts/texts.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** This version of the library was made after it: a clock that says less is wrong. */
const EARLIEST_NOW = Date.parse('2026-01-01T00:00:00Z')
/** Clocks of machines that share a file may differ a little. */
const TOLERATED_MS = 5000

/** What the log says of itself. */
export function checkLog(stats: LogStats, t: Translate): Finding {
  return ok(
    'log',
    t('doctor.log', {
      events: stats.events,
      streams: stats.streams,
      head: String(stats.head),
    }),
  )
}

/** The machine's clock against the last time in the log: behind it, recorded times stand still. */
export function checkClock(
  nowMs: number,
  lastRecordedAt: string | undefined,
  t: Translate,
): Finding {
  const now = new Date(nowMs).toISOString()
  if (nowMs < EARLIEST_NOW)
    return fail('clock', t('doctor.clock-past', { now }), t('doctor.clock-todo'))
  const last = lastRecordedAt === undefined ? Number.NEGATIVE_INFINITY : Date.parse(lastRecordedAt)
  if (last > nowMs + TOLERATED_MS) {
    return warn(
      'clock',
      t('doctor.clock-behind', { now, last: lastRecordedAt ?? '' }),
      t('doctor.clock-todo'),
    )
  }
  return ok('clock', t('doctor.clock', { now }))
}
