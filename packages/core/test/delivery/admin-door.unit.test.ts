import { describe, expect, test } from 'vitest'
import { createAdmin } from '../../src/delivery/admin.ts'
import type { OperationRequest } from '../../src/delivery/request-operation.ts'
import { isTidingsError } from '../../src/errors/tidings-error.ts'
import { startMail } from '../support/failing-mail.ts'
import { stores } from '../support/stores.ts'

const ask = { subscription: 'mail', by: 'ann', reason: 'mended' } as const

const mistakes: readonly (readonly [
  what: string,
  request: OperationRequest | ((id: string) => OperationRequest),
  code: string,
  says: readonly string[],
])[] = [
  [
    'a subscription that is not there',
    { kind: 'pause', ...ask, subscription: 'mial' },
    'TIDINGS_SUBSCRIPTION_UNKNOWN',
    ["'mial'", "Did you mean 'mail'?"],
  ],
  [
    'the timers, which are no subscription',
    { kind: 'pause', ...ask, subscription: 'timers' },
    'TIDINGS_SUBSCRIPTION_UNKNOWN',
    ["named 'timers'"],
  ],
  [
    'nobody who asks',
    { kind: 'pause', subscription: 'mail', by: ' ' },
    'TIDINGS_ARGUMENT_INVALID',
    ["'by' is empty"],
  ],
  [
    'a discard without a reason',
    { kind: 'discard', ...ask, reason: '' },
    'TIDINGS_ARGUMENT_INVALID',
    ['says why', 'Nothing was changed'],
  ],
  [
    'a position beyond the log',
    { kind: 'reset', ...ask, to: 99 },
    'TIDINGS_ARGUMENT_INVALID',
    ['from 0 to 5', 'got 99'],
  ],
  [
    'a time that is none',
    { kind: 'reset', ...ask, to: { time: 'noon' } },
    'TIDINGS_ARGUMENT_INVALID',
    ["got 'noon'"],
  ],
  [
    'a filter that matches nothing',
    { kind: 'redrive', ...ask, filter: { key: 'ben' } },
    'TIDINGS_NOTHING_PARKED',
    ["No parked event of 'mail' fits", 'the filter matches none'],
  ],
  ['a rate of none', { kind: 'redrive', ...ask, rate: 0 }, 'TIDINGS_ARGUMENT_INVALID', ['got 0']],
  [
    'an id that is none',
    { kind: 'pause', ...ask, operationId: 'x' },
    'TIDINGS_ARGUMENT_INVALID',
    ["a UUID; got 'x'"],
  ],
  [
    'an edit of something else',
    { kind: 'redrive', ...ask, edits: { '0198c0de-4bad-7cde-8f01-23456789abcd': {} } },
    'TIDINGS_ARGUMENT_INVALID',
    ['0198c0de-4bad-7cde-8f01-23456789abcd is none of them'],
  ],
  [
    'an edit that breaks its contract',
    (id) => ({ kind: 'redrive', ...ask, edits: { [id]: { to: 'anna', lines: 'two' } } }),
    'TIDINGS_PAYLOAD_INVALID',
    ['Shop.Mail.Requested', '/lines', 'got "two"'],
  ],
  [
    'an edit of a secret',
    (id) => ({ kind: 'redrive', ...ask, edits: { [id]: { to: 'anna', lines: 2, code: 7 } } }),
    'TIDINGS_PAYLOAD_INVALID',
    ['/code', 'got [sensitive]'],
  ],
  [
    'an edit that is no JSON',
    (id) => ({ kind: 'redrive', ...ask, edits: { [id]: { to: '\ud800nn', lines: 2 } } }),
    'TIDINGS_PAYLOAD_NOT_JSON',
    ['/to'],
  ],
]

describe.each(stores)('on $kind', ({ open }) => {
  test.each(mistakes)('%s is refused at the door', async (_, request, code, says) => {
    const store = await open()
    const mail = await startMail(store)
    mail.unreachable.add('ann')
    await mail.ask('ann', 'ben', 'ann', 'ben', 'ann')
    const { admin } = mail.app
    const [letter] = await admin.parked.list({ subscription: 'mail' })
    const asked = typeof request === 'function' ? request(letter?.parkedId ?? '') : request
    // By the contracts of the application, and by what it declared in the log.
    for (const door of [admin, createAdmin(store)]) {
      const error: unknown = await door.request(asked).catch((thrown: unknown) => thrown)
      if (!isTidingsError(error)) throw new Error('It was let in.', { cause: error })
      expect(error.code).toBe(code)
      for (const part of says) expect(error.message).toContain(part)
    }
    expect(await admin.operations.list(), 'nothing is stored').toEqual([])
  })
})
