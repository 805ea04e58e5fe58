import type { StoredEnvelope } from '../contract/envelope.ts'
import { encodeEvent } from '../contract/codec.ts'
import { deriveId } from '../internal/ids.ts'
import { parseNormalTime, toIsoTime } from '../internal/time.ts'
import type { AttemptRecord, ParkedChange, ParkedEvent, ParkReason } from '../store/parked-store.ts'
import type { Fence } from '../store/subscription-store.ts'
import { fingerprintOf } from './thrown.ts'

/** Attempts that a parked event keeps; the first of its life among them, and the newest. */
const KEPT_ATTEMPTS = 20

export interface ParkFacts {
  /** What it is parked under. */
  readonly as: Pick<Fence, 'subscription' | 'generation'>
  readonly key: string
  readonly reason: ParkReason
  readonly attempts: readonly AttemptRecord[]
  /** Milliseconds since the epoch; undefined: it waits for a person, or for the one before it. */
  readonly dueAt: number | undefined
  readonly nowMs: number
}

const utf8 = new TextEncoder()

/** The id under which an event is parked: however often it is, it is once. */
export function parkedIdOf(
  { subscription, generation }: ParkFacts['as'],
  event: StoredEnvelope,
): string {
  return deriveId(
    parseNormalTime(event.timestamp),
    event.eventId,
    subscription,
    'parked',
    generation,
  )
}

/** An event, as it is put aside. */
export function makeParked(event: StoredEnvelope, facts: ParkFacts): ParkedEvent {
  const { as, reason, attempts } = facts
  const at = toIsoTime(facts.nowMs)
  const last = attempts.at(-1)
  return {
    parkedId: parkedIdOf(as, event),
    subscription: as.subscription,
    generation: as.generation,
    key: facts.key,
    sequence: event.position,
    position: event.position,
    eventId: event.eventId,
    eventType: event.eventType,
    eventVersion: event.eventVersion,
    correlationId: event.correlationId,
    causationId: event.causationId,
    reason,
    state: 'parked',
    dueAt: facts.dueAt,
    attempts: keepAttempts(attempts),
    attemptCount: attempts.length,
    laterCount: facts.dueAt === undefined ? 0 : 1,
    fingerprint: last && fingerprintOf(last.error),
    // One that waits behind another is in the log, and nothing is known of it that is not there.
    bytes: reason === 'behind' ? undefined : utf8.encode(encodeEvent(event)),
    edited: undefined,
    redrives: 0,
    operationId: undefined,
    history: [change(at, 'runtime', 'parked', last?.error.message)],
    parkedAt: at,
    changedAt: at,
  }
}

function keepAttempts(attempts: readonly AttemptRecord[]): readonly AttemptRecord[] {
  if (attempts.length <= KEPT_ATTEMPTS) return attempts
  return [attempts[0]!, ...attempts.slice(1 - KEPT_ATTEMPTS)]
}

function change(
  at: string,
  by: string,
  what: ParkedChange['what'],
  reason: string | undefined,
): ParkedChange {
  return { at, by, what, ...(reason === undefined ? undefined : { reason }) }
}

/** Changes that one parked event keeps: a person reads them. */
const KEPT_CHANGES = 50

export function withChange(parked: ParkedEvent, entry: ParkedChange): readonly ParkedChange[] {
  return [...parked.history.slice(-(KEPT_CHANGES - 1)), entry]
}

/** What an attempt counts as that was recorded before it was made, and has not ended. */
const UNENDED = 'ProcessEnded'

/**
 * It is about to be tried after its last owner died: if that happens again, this is what is left of the
 * attempt.
 */
export function suspected(parked: ParkedEvent, nowMs: number): ParkedEvent {
  const at = toIsoTime(nowMs)
  const message = 'The process ended, or lost the subscription, while the event was handled'
  const attempt = { at, durationMs: 0, error: { name: UNENDED, message } }
  return {
    ...parked,
    attempts: keepAttempts([...parked.attempts, attempt]),
    attemptCount: parked.attemptCount + 1,
    changedAt: at,
  }
}

/** How many of its last attempts never ended. */
export function unendedOf({ attempts }: ParkedEvent): number {
  const ended = attempts.findLastIndex(({ error }) => error.name !== UNENDED)
  return attempts.length - 1 - ended
}

/** What an event is parked with that is not tried again, for the sake of all others. */
export function killed(nowMs: number): AttemptRecord {
  const message = 'Each time it was handled, its process ended or lost the subscription'
  return { at: toIsoTime(nowMs), durationMs: 0, error: { name: 'ProcessKilled', message } }
}

/** It was handled after all, or its policy says that it need not be. */
export function resolved(parked: ParkedEvent, nowMs: number, reason?: string): ParkedEvent {
  const at = toIsoTime(nowMs)
  return {
    ...parked,
    state: 'resolved',
    dueAt: undefined,
    history: withChange(parked, change(at, 'runtime', 'resolved', reason)),
    changedAt: at,
  }
}

/** It failed again: later once more, or a dead letter. */
export function failedAgain(
  parked: ParkedEvent,
  event: StoredEnvelope,
  facts: {
    readonly attempts: readonly AttemptRecord[]
    readonly dueAt: number | undefined
    readonly nowMs: number
    readonly reason?: ParkReason
  },
): ParkedEvent {
  const at = toIsoTime(facts.nowMs)
  const last = facts.attempts.at(-1)
  return {
    ...parked,
    reason: facts.reason ?? 'failed',
    state: 'parked',
    dueAt: facts.dueAt,
    attempts: keepAttempts([...parked.attempts, ...facts.attempts]),
    attemptCount: parked.attemptCount + facts.attempts.length,
    laterCount: parked.laterCount + (facts.dueAt === undefined ? 0 : 1),
    fingerprint: last === undefined ? parked.fingerprint : fingerprintOf(last.error),
    bytes: parked.bytes ?? utf8.encode(encodeEvent(event)),
    history: withChange(parked, change(at, 'runtime', 'failed-again', last?.error.message)),
    changedAt: at,
  }
}
