import { withParsedPayload, type StoredEnvelope } from '../contract/envelope.ts'
import type { ParkedFact } from '../observe/observations.ts'
import type { AttemptPorts } from './attempt.ts'

/** Tells observers of events that were handled, in one call or one transaction that began at `startMs`. */
export function tellHandled(
  { name, ports }: AttemptPorts,
  events: () => readonly StoredEnvelope[],
  startMs: number,
): void {
  const { handled } = ports.observations
  if (!handled.active) return
  const durationMs = performance.now() - startMs
  const who = { subscription: name, handlerId: name, handler: name }
  for (const event of events()) {
    const told = { event: withParsedPayload(event), ...who, durationMs }
    handled.emit({ ...told, failed: false, error: undefined })
  }
}

/** Tells observers of an event that was put aside, or of one that was and is finished. */
export function tellParked(
  { name, ports }: AttemptPorts,
  fact: Omit<ParkedFact, 'subscription'>,
): void {
  const { parked } = ports.observations
  if (parked.active) parked.emit({ subscription: name, ...fact })
}
