import { z } from 'zod'
import { defineAggregate } from '../../src/contract/define-aggregate.ts'
import { defineCommand } from '../../src/contract/define-command.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'

/** A refusal of the sample's own, with facts, as a domain throws it. */
export class LimitError extends Error {
  override readonly name = 'LimitError'
  readonly code = 'LIMIT'
  readonly limit: number

  constructor(limit: number) {
    super(`A counter goes up to ${limit}.`)
    this.limit = limit
  }
}

const step = z.object({ counterId: z.string(), by: z.number() })

export const CounterUpdated = defineEvent('Test.Counter.Updated', {
  payload: step,
  aliases: ['CounterMoved', 'COUNTER_MOVED'],
})
export const CounterCompleted = defineEvent('Test.Counter.Completed', {
  payload: z.object({ counterId: z.string() }),
})
export const UpdateCounter = defineCommand('Test.Counter.Update', { payload: step })
/** Records two events at once. */
export const UpdateTwice = defineCommand('Test.Counter.UpdateTwice', { payload: step })
/** Records nothing. */
export const LookAtCounter = defineCommand('Test.Counter.Read', {
  payload: z.object({ counterId: z.string() }),
})

export interface CounterState {
  readonly total: number
}

export const LIMIT = 100

const zero: CounterState = { total: 0 }

/** The sample aggregate; with snapshots for the tests that are about them. */
export const defineCounter = (snapshot?: { readonly every: number; readonly version: number }) =>
  defineAggregate('Test.Counter', {
    events: [CounterUpdated, CounterCompleted],
    commands: [UpdateCounter, UpdateTwice, LookAtCounter],
    id: (command) => command.counterId,
    initialState: zero,
    ...(snapshot === undefined ? {} : { snapshot }),
    evolve: {
      'Test.Counter.Updated': (state, { payload }) => ({ total: state.total + payload.by }),
      'Test.Counter.Completed': (state) => state,
    },
    decide: {
      'Test.Counter.Update': (command, state) => {
        if (state.total + command.by > LIMIT) throw new LimitError(LIMIT)
        return CounterUpdated(command)
      },
      'Test.Counter.UpdateTwice': (command) => [CounterUpdated(command), CounterUpdated(command)],
      'Test.Counter.Read': () => [],
    },
  })

export const Counter = defineCounter()
export const counterModule = defineModule('counter', [Counter])
