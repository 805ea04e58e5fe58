import { expect, test } from 'vitest'
import { ContractError } from '../../src/errors/contract-error.ts'

const nextStep = 'Mend the sender.'
const issues = [
  { pointer: '', expected: 'an object', actual: 'a list' },
  { pointer: '/id', expected: 'a UUID', actual: '1' },
]

test('a message is whole sentences: rule, issues, next step', () => {
  const rule = 'the envelope is not complete.'
  expect(new ContractError('TIDINGS_ENVELOPE_INVALID', rule, { issues, nextStep }).message).toBe(
    'The envelope is not complete. At the top: expected an object, got a list; at /id: expected a UUID, got 1. Mend the sender.',
  )
  const facts = { type: 'todo.created', issues: [], nextStep }
  expect(new ContractError('TIDINGS_ENVELOPE_INVALID', rule, facts).message).toBe(
    'todo.created: the envelope is not complete. Mend the sender.',
  )
})
