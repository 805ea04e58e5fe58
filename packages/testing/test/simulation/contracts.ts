import { defineEvent } from 'tidings'
import { EFFECT } from './shared-log.ts'

export interface OrderPayload {
  readonly n: number
  readonly key: string
}

export interface EffectPayload {
  readonly n: number
}

interface AnythingSchema<Payload> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => { readonly value: Payload }
  }
}

/** Takes what it gets: payloads are not what is simulated. */
function anything<Payload>(): AnythingSchema<Payload> {
  return {
    '~standard': {
      version: 1,
      vendor: 'simulation',
      validate: (value) => ({ value: value as Payload }),
    },
  }
}

export const ORDER = 'Simulation.Order.Created'
export const EFFECT_AGGREGATE = 'Simulation.Effect'
export const ORDER_AGGREGATE = 'Simulation.Order'

/** What an application of the version before knows. */
export const OrderV1 = defineEvent(ORDER, { payload: anything<OrderPayload>() })

export const OrderV2 = defineEvent(ORDER, {
  version: 2,
  payload: anything<OrderPayload>(),
  history: { 1: anything<OrderPayload>() },
  upcast: { 1: (old) => old },
})

/** Appended by handlers: counted, these are what became of the events. */
export const Effect = defineEvent(EFFECT, { payload: anything<EffectPayload>() })
