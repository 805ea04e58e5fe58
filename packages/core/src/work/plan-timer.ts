import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { JsonObject } from '../contract/json.ts'
import { parsePayload } from '../contract/payload.ts'
import { shorten } from '../errors/contract-error.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { toMs, type Duration } from '../internal/duration.ts'
import { isUuid } from '../internal/ids.ts'
import { parseIsoTime, toIsoTime } from '../internal/time.ts'
import type { TimerRecord } from '../store/timer-store.ts'
import type { Cause } from './origin.ts'

export interface TimerOptions {
  /**
   * UUID to cancel it by. The same one twice is one timer, the first; derived from what sets it by
   * default, so that an event that is handled again sets it once.
   */
  readonly timerId?: string
}

/** When a timer is due: after a while, or at a time (ISO 8601, or milliseconds since the epoch). */
export type TimerDue = { readonly after: Duration } | { readonly at: string | number }

/** @throws {UsageError} a time that is none; {ContractError} an input that does not fit the command */
export function planTimer(
  due: TimerDue,
  what: {
    readonly command: AnyCommandDefinition
    readonly input: unknown
    readonly timerId: string
  },
  from: { readonly cause: Cause; readonly nowMs: number },
): TimerRecord {
  const { command, input, timerId } = what
  if (!isUuid(timerId)) {
    throw invalid(`a timer's id is a UUID; got ${shorten(timerId)}. Make one with newId().`)
  }
  return {
    timerId: timerId.toLowerCase(),
    dueAt: dueTime(due, from.nowMs),
    commandType: command.type,
    input: parsePayload(command, input) as JsonObject,
    correlationId: from.cause.correlationId,
    causationId: from.cause.causationId,
    metadata: from.cause.metadata,
    setAt: toIsoTime(from.nowMs),
    state: 'waiting',
    firedAt: undefined,
    lateMs: undefined,
    failure: undefined,
  }
}

function dueTime(due: TimerDue, nowMs: number): number {
  if ('after' in due) {
    const ms = toMs(due.after)
    if (ms !== undefined) return Math.ceil(nowMs + ms)
    throw invalid(
      `a timer is due after milliseconds from 0 up, or a text such as '10m'; got ${shorten(due.after)}.`,
    )
  }
  const atMs = typeof due.at === 'number' ? due.at : parseIsoTime(due.at)
  if (atMs !== undefined && Number.isFinite(atMs)) return Math.ceil(atMs)
  throw invalid(
    `a timer is due at an ISO 8601 time with offset, or at milliseconds since the epoch; got ${shorten(due.at)}.`,
  )
}

function invalid(problem: string): UsageError {
  return new UsageError('TIDINGS_ARGUMENT_INVALID', `Nothing was set: ${problem}`)
}
