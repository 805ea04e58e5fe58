import { describe, expect, test } from 'vitest'
import type { LogFields } from '../../src/observe/logger.ts'
import { logTo } from '../../src/observe/logging.ts'
import { eventOf, handle, openObservations } from './facts.ts'

const SECRET = 'hunter2secret'
const NUMBER = 41_112_222

/** What is logged of a handler that failed with this, on an event whose payload holds both. */
function loggedOf(error: unknown): { readonly fields: LogFields; readonly err: LogFields } {
  const observations = openObservations()
  const logged: LogFields[] = []
  const log = (fields: LogFields): void => void logged.push(fields)
  using _logging = logTo(
    observations,
    { info: log, warn: log, error: log },
    { sensitiveOf: () => ['/secret', '/number'] },
  )
  const event = eventOf('A.B.Done', {
    aggregateId: SECRET,
    payload: { secret: SECRET, number: NUMBER },
  })
  handle(observations, event, { error })
  expect(logged).toHaveLength(1)
  expect(JSON.stringify(logged)).not.toMatch(/hunter2|41112222/)
  return { fields: logged[0]!, err: logged[0]!['err'] as LogFields }
}

const withCode = (code: unknown): Error => Object.assign(new Error('boom'), { code })

describe("a failed handler's entry in the log", () => {
  test.each([
    ['a text', `E_${SECRET}`, 'E_[sensitive]'],
    ['a number', NUMBER, '[sensitive]'],
    ['an object', { input: SECRET }, '{"input":"[sensitive]"}'],
  ])('has no secret in a code that is %s', (_what, code, shown) => {
    expect(loggedOf(withCode(code)).err['code']).toBe(shown)
  })

  test('has a code that holds none as it is', () => {
    expect(loggedOf(withCode(503)).err['code']).toBe(503)
    expect(loggedOf(withCode('ECONNRESET')).err['code']).toBe('ECONNRESET')
  })

  test('has no part of a secret that the end of a long message would cut', () => {
    const input = Array.from({ length: 60 }, () => SECRET)
    // Wherever the message is cut, with one of them it is cut within a secret.
    for (let length = 0; length < SECRET.length; length++) {
      const { message } = loggedOf({ before: 'x'.repeat(length), input }).err
      expect(message).toMatch(/… \(\d+ characters\)$/)
      expect(message).not.toContain('hunt')
    }
  })

  test('has no aggregate id that is a sensitive value', () => {
    expect(loggedOf(new Error('boom')).fields['aggregateId']).toBe('[sensitive]')
  })
})
