import { scaled, type Bench, type Variant } from './harness/bench.ts'
import { checkPayload } from '../packages/core/src/contract/check-payload.ts'
import { createRegistry } from '../packages/core/src/contract/registry.ts'
import { decodeEvent } from '../packages/core/src/contract/codec.ts'
import { shipmentBytes, ShipmentDispatched, ShipmentSchema } from './workload/shipments.ts'

const COUNT = 100_000

/** Reads every event in turn and uses something of it. */
function reading(
  name: string,
  prepare: () => Promise<(bytes: Buffer) => string>,
  more: { readonly informative?: boolean; readonly environment?: string } = {},
): Variant {
  return {
    name,
    ...(more.informative === true ? { informative: true } : {}),
    ...(more.environment === undefined ? {} : { env: { NODE_ENV: more.environment } }),
    async start({ scale }) {
      const events = shipmentBytes()
      const read = await prepare()
      const count = scaled(COUNT, scale)
      return {
        sample() {
          let length = 0
          for (let n = 0; n < count; n++) length += read(events[n % events.length] as Buffer).length
          return { count, figures: { length } }
        },
      }
    },
  }
}

interface Wire {
  readonly event_id: string
}

const ours = (compiled: boolean) => async (): Promise<(bytes: Buffer) => string> => {
  if (compiled) await import('tidings/zod')
  const registry = createRegistry([ShipmentDispatched])
  return (bytes) => {
    const { envelope } = decodeEvent(bytes)
    checkPayload(registry, envelope)
    return envelope.eventId
  }
}

export const bench: Bench = {
  name: 'check',
  summary:
    'an event from bytes, envelope and payload checked, against JSON.parse of the same bytes',
  clock: 'cpu',
  shows: 'time',
  unit: 'event',
  rounds: 15,
  warmups: 3,
  variants: [
    reading('ours', ours(true)),
    reading('ours, schema not compiled', ours(false), { informative: true }),
    reading('ours, development', ours(true), { informative: true, environment: 'development' }),
    reading('JSON.parse', async () => (bytes) => (JSON.parse(bytes.toString()) as Wire).event_id),
    reading(
      'JSON.parse and zod for the payload',
      async () => (bytes) => {
        const wire = JSON.parse(bytes.toString()) as Wire & { readonly payload: unknown }
        if (!ShipmentSchema.safeParse(wire.payload).success) throw new Error('refused')
        return wire.event_id
      },
      { informative: true },
    ),
  ],
  goals: [
    { kind: 'ratio', variant: 'ours', reference: 'JSON.parse', atMost: 1.7 },
    { kind: 'ratio', variant: 'ours, schema not compiled', reference: 'JSON.parse' },
    { kind: 'ratio', variant: 'ours, development', reference: 'JSON.parse' },
  ],
  agreeOn: 'length',
  notes: [
    '256 different events of about 950 bytes in turn, half of them with two optional fields; payload schema of zod, compiled once by `tidings/zod`. NODE_ENV=production; in development the payload is frozen to the bottom too.',
  ],
}
