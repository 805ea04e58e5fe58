import { expect, test } from 'vitest'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { MailRequested } from '../support/failing-mail.ts'

/* oxlint-disable unicorn/no-thenable -- that is what a rule of a policy is called */

/** As an application without types would say it. */
function define(options: object): () => unknown {
  return () =>
    defineSubscription('mail', { events: MailRequested, handle: () => undefined, ...options })
}

test.each([
  ['from', 'begining', /'from' is 'beginning', 'end', a position.*got "begining"/],
  ['from', -1, /'from' is/],
  ['from', 1.5, /'from' is/],
  ['from', { time: 'yesterday' }, /'from' is.*got \{"time":"yesterday"\}/],
  ['filter', 'to', /'filter' is a function; got string/],
  ['key', 'to', /'key' is a function; got string/],
  ['timeout', 0, /'timeout' is longer than 0/],
  ['retry', { later: '1m' }, /retry\.later is a list; got string/],
  ['retry', { rules: {} }, /retry\.rules is a list; got object/],
  ['retry', { rules: [{ then: 'park' }] }, /'when' of a rule of retry is the code/],
  ['retry', { rules: [{ when: 'E', then: 'discard' }] }, /'then' of a rule of retry is 'retry'/],
  ['retry', { rules: [{ when: 'E', then: { skip: ' ' } }] }, /\{ skip: 'why' \}/],
  ['retry', { rules: [null] }, /'when' of a rule/],
])(
  'refuses %s: %j when it is defined, and not when the first event comes',
  (option, value, says) => {
    expect(define({ [option]: value })).toThrow(says)
  },
)

test.each([
  { from: 0 },
  { from: { time: '2026-11-28T09:00:00Z' } },
  { timeout: Number.POSITIVE_INFINITY },
  { retry: { rules: [{ when: TypeError, then: 'park' }] } },
  { retry: { rules: [{ when: { test: () => true }, then: { skip: 'known' } }] } },
])('takes %j', (options) => {
  expect(define(options)).not.toThrow()
})
