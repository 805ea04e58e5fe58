import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as z from 'zod'
import {
  createRegistry,
  currentPayload,
  defineEvent,
  nameId,
  type AnyEventDefinition,
  type StoredEnvelope,
} from '../../src/contract.ts'

/** A contract of some version whose every step notes that it ran. */
function chain(version: number, kept: readonly number[]): AnyEventDefinition {
  const schemaOf = (at: number): z.ZodType =>
    z.object({ at: z.literal(at), steps: z.array(z.number()) })
  const steps = Array.from({ length: version - 1 }, (_, index) => index + 1)
  const upcast = Object.fromEntries(
    steps.map((step) => [
      step,
      (old: { steps: number[] }) => ({ at: step + 1, steps: [...old.steps, step] }),
    ]),
  )
  const history = Object.fromEntries(
    kept.filter((at) => at < version).map((at) => [at, schemaOf(at)]),
  )
  const define = defineEvent as unknown as (type: string, options: unknown) => AnyEventDefinition
  return define('Chain.Link.Updated', { version, payload: schemaOf(version), upcast, history })
}

it('from whatever version, exactly the steps from there on run, in order, whichever schemas are kept', () => {
  const versions = fc
    .integer({ min: 1, max: 12 })
    .chain((version) =>
      fc.tuple(
        fc.constant(version),
        fc.integer({ min: 1, max: version }),
        fc.subarray(Array.from({ length: 12 }, (_, i) => i + 1)),
      ),
    )
  fc.assert(
    fc.property(versions, ([version, from, kept]) => {
      const definition = chain(version, kept)
      const payload = currentPayload(definition, {
        eventVersion: from,
        payload: { at: from, steps: [] },
      })
      const steps = Array.from({ length: version - from }, (_, index) => from + index)
      expect(payload).toEqual({ at: version, steps })
    }),
  )
})

it('reading twice is reading once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), (a, b) => {
      const registry = createRegistry([chain(Math.max(a, b), [])])
      const event: StoredEnvelope = {
        eventId: nameId('event'),
        eventType: 'Chain.Link.Updated',
        eventVersion: Math.min(a, b),
        timestamp: '2026-11-21T09:30:00.000Z',
        aggregateType: 'Chain.Link',
        aggregateId: '1',
        correlationId: nameId('flow'),
        payload: { at: Math.min(a, b), steps: [] },
        metadata: {},
        streamVersion: 1,
        position: 1,
        recordedAt: '2026-11-21T09:30:00.000Z',
      }
      const once = registry.read(event)
      expect(registry.read(once)).toBe(once)
    }),
  )
})
