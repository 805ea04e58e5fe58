import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../src/contract/define-event.ts'
import { createRegistry } from '../../src/contract/registry.ts'
import { redactEvent, redactText, redactTextOfAll, sensitiveIn } from '../../src/observe/redact.ts'
import { eventOf } from './facts.ts'

describe('redactEvent', () => {
  const payload = Object.freeze({
    holder: 'Ada',
    number: '4111',
    contact: { mail: 'ada@example.com', city: 'London' },
    items: [
      { secret: 1, name: 'x' },
      { secret: { deep: true }, name: 'y' },
    ],
    'a/b~c': 'odd',
  })

  test.each([
    [['/number'], { number: '[sensitive]' }],
    [['/contact/mail'], { contact: { mail: '[sensitive]', city: 'London' } }],
    [['/contact', '/contact/mail'], { contact: '[sensitive]' }],
    [
      ['/items/*/secret'],
      {
        items: [
          { secret: '[sensitive]', name: 'x' },
          { secret: '[sensitive]', name: 'y' },
        ],
      },
    ],
    [['/a~1b~0c'], { 'a/b~c': '[sensitive]' }],
    [['/absent', '/holder/deeper'], {}],
  ])('%j', (sensitive, changed) => {
    const event = eventOf('A.Card.Added', { payload })
    expect(redactEvent(event, sensitive).payload).toEqual({ ...payload, ...changed })
    expect(event.payload).toBe(payload)
  })

  test('the whole payload', () => {
    expect(redactEvent(eventOf('A.B.Done', { payload }), ['']).payload).toBe('[sensitive]')
  })

  test('a member named __proto__ stays a member', () => {
    const odd: unknown = JSON.parse('{"__proto__": {"x": 1}, "y": 2}')
    const redacted = redactEvent(eventOf('A.B.Done', { payload: odd }), ['/y']).payload
    expect(JSON.stringify(redacted)).toBe('{"__proto__":{"x":1},"y":"[sensitive]"}')
  })
})

describe('redactText', () => {
  test.each([
    ['abcdefghi', ['abcdef', 'defghi'], '[sensitive]'],
    ['x abcdef y defghi z', ['abcdef', 'defghi'], 'x [sensitive] y [sensitive] z'],
    ['abcdefabcdef', ['abcdef'], '[sensitive][sensitive]'],
    ['ababababab', ['ababab'], '[sensitive]'],
    ['a 12 b 123', ['12'], 'a [sensitive] b 123'],
    ['𝒜b 𝒜b', ['𝒜b'], '[sensitive] [sensitive]'],
  ])('%s, where %j is sensitive: no rest of a value stays', (text, secrets, shown) => {
    expect(redactText(text, { payload: { secrets } }, ['/secrets'])).toBe(shown)
  })

  test('a value of any length is found, and one that repeats itself does not take for ever', () => {
    const long = Array.from({ length: 40_000 }, (_, n) => n.toString(36)).join('(')
    expect(redactText(`x${long}y`, { payload: { long } }, ['/long'])).toBe('x[sensitive]y')
    const same = 'A'.repeat(40_000)
    expect(redactText(same + same, { payload: { same } }, ['/same'])).toBe('[sensitive]')
    expect(redactText('x', { payload: { long, same } }, ['/long', '/same'])).toBe('x')
  })

  test('a text about several events is without the values of all, also where they overlap', () => {
    const events = ['abcd1234', '1234wxyz'].map((secret) =>
      eventOf('A.B.Done', { payload: { secret } }),
    )
    expect(redactTextOfAll('abcd1234wxyz', events, () => ['/secret'])).toBe('[sensitive]')
  })

  test('a key without a name hides nothing', () => {
    const payload = { secret: { '': 'foobar' } }
    expect(redactText('a, b. foobar', { payload }, ['/secret'])).toBe('a, b. [sensitive]')
  })

  test('keys are data where they are no names of fields', () => {
    const payload = { contacts: { 'ada@example.com': { city: 'London' }, '442071234567': {} } }
    const text = 'no answer from ada@example.com at 442071234567, city London'
    expect(redactText(text, { payload }, ['/contacts'])).toBe(
      'no answer from [sensitive] at [sensitive], city [sensitive]',
    )
  })

  test('a value that stands in a JSON text is found too', () => {
    const payload = { secret: 'to"p\nsecret' }
    expect(redactText(JSON.stringify(payload), { payload }, ['/secret'])).toBe(
      '{"secret":"[sensitive]"}',
    )
  })

  const event = {
    payload: { pin: 12, card: '4111-1111', name: 'Ada', list: ['secret', 'secret one'] },
  }

  test.each([
    ['card 4111-1111 was refused', ['/card'], 'card [sensitive] was refused'],
    ['pin 12, not 120 or x12', ['/pin'], 'pin [sensitive], not 120 or x12'],
    ['secret one, secret', ['/list'], '[sensitive], [sensitive]'],
    ['secret one, Ada', ['/list/*', '/name'], '[sensitive], [sensitive]'],
    ['Ada', [], 'Ada'],
  ])('%s', (text, sensitive, expected) => {
    expect(redactText(text, event, sensitive)).toBe(expected)
  })

  test('no sensitive text of four characters or more is left, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, unit: 'grapheme' }), fc.string(), (secret, around) => {
        fc.pre(!around.includes(secret) && !'[sensitive]'.includes(secret))
        const text = redactText(`${around} ${secret} ${around}`, { payload: { secret } }, [
          '/secret',
        ])
        expect(text).toBe(`${around} [sensitive] ${around}`)
      }),
    )
  })
})

test('the fields are those of the contract, by any of its names', () => {
  const CardAdded = defineEvent('Payment.Card.Added', {
    payload: z.object({ number: z.string(), contact: z.object({ mail: z.string() }) }),
    sensitive: ['number', '/contact/mail'],
    aliases: ['CardAdded'],
  })
  const sensitiveOf = sensitiveIn(createRegistry([CardAdded]))
  expect(sensitiveOf('Payment.Card.Added')).toEqual(['/number', '/contact/mail'])
  expect(sensitiveOf('CardAdded')).toEqual(['/number', '/contact/mail'])
  expect(sensitiveOf('Unknown')).toEqual([])
})
