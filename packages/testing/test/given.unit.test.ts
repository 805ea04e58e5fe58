import { AssertionError } from 'node:assert'
import { given } from '@tidings/testing'
import { ContractError, defineAggregate, defineCommand, defineEvent } from 'tidings'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const Opened = defineEvent('Bank.Account.Opened', {
  payload: z.object({ accountId: z.string(), limit: z.number().default(0) }),
})
const Withdrawn = defineEvent('Bank.Account.Withdrawn', {
  payload: z.object({ amount: z.number().positive() }),
})
const Open = defineCommand('Bank.Account.Open', {
  payload: z.object({ accountId: z.string(), limit: z.number().optional() }),
})
const Withdraw = defineCommand('Bank.Account.Withdraw', {
  payload: z.object({ accountId: z.string(), amount: z.number().positive() }),
})
const Foreign = defineCommand('Bank.Other.Close', { payload: z.object({ accountId: z.string() }) })

class OverdrawnError extends Error {}

const Account = defineAggregate('Bank.Account', {
  events: [Opened, Withdrawn],
  commands: [Open, Withdraw],
  id: (command) => command.accountId,
  initialState: { open: false, left: 0 },
  evolve: {
    'Bank.Account.Opened': (_, { payload }) => ({ open: true, left: payload.limit }),
    'Bank.Account.Withdrawn': (state, { payload }) => ({
      ...state,
      left: state.left - payload.amount,
    }),
  },
  decide: {
    'Bank.Account.Open': (command, state) =>
      state.open ? [] : Opened({ accountId: command.accountId, limit: command.limit ?? 0 }),
    'Bank.Account.Withdraw': ({ amount }, state) => {
      if (amount > state.left) throw new OverdrawnError(`only ${state.left} left`)
      return Withdrawn({ amount })
    },
  },
})

const accountId = 'a1'
const opened = Opened({ accountId, limit: 100 })

describe('given, when, then', () => {
  it('compares events by type and by what their contract makes of the payload', () => {
    given(Account).when(Open, { accountId }).thenEvents(Opened({ accountId }))
    given(Account, [opened])
      .when(Withdraw, { accountId, amount: 30 })
      .thenEvents(Withdrawn({ amount: 30 }))
      .thenState({ open: true, left: 70 })
    given(Account, [opened]).when(Open, { accountId }).thenEvents()
  })

  it('fails where events or state differ', () => {
    const outcome = given(Account, [opened]).when(Withdraw, { accountId, amount: 30 })
    expect(() => outcome.thenEvents(Withdrawn({ amount: 31 }))).toThrow(AssertionError)
    expect(() => outcome.thenEvents()).toThrow(AssertionError)
    expect(() => outcome.thenEvents(opened)).toThrow(AssertionError)
    expect(() => outcome.thenState({ open: true, left: 100 })).toThrow(AssertionError)
    expect(() => outcome.thenThrows(OverdrawnError)).toThrow(
      /was accepted, with Bank.Account.Withdrawn/,
    )
  })

  it('tells a refusal by its class or its message, and never takes it for no event', () => {
    const outcome = given(Account, [opened, Withdrawn({ amount: 90 })]).when(Withdraw, {
      accountId,
      amount: 30,
    })
    outcome.thenThrows(OverdrawnError)
    outcome.thenThrows(/only 10 left/)
    expect(() => outcome.thenThrows(/only 20 left/)).toThrow()
    expect(() => outcome.thenThrows(TypeError)).toThrow()
    expect(() => outcome.thenEvents()).toThrow(/was refused: .*only 10 left/)
    expect(() => outcome.events).toThrow(OverdrawnError)
  })

  it('checks the input by the command, and what is given by its events', () => {
    expect(() => given(Account).when(Withdraw, { accountId, amount: -1 })).toThrow(ContractError)
    const bad = given(Account, [Withdrawn({ amount: -1 })])
    expect(() => bad.when(Open, { accountId })).toThrow(ContractError)
  })

  it('types: neither a foreign command, nor a wrong payload, nor a foreign state', () => {
    const check = (): void => {
      // @ts-expect-error -- the aggregate does not decide on it
      given(Account).when(Foreign, { accountId })
      // @ts-expect-error -- amount is a number
      given(Account).when(Withdraw, { accountId, amount: '1' })
      // @ts-expect-error -- left is missing
      given(Account).when(Open, { accountId }).thenState({ open: true })
    }
    expect(check).toBeTypeOf('function')
  })
})
