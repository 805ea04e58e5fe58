import { type } from 'arktype'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { parsePayload } from '../../src/contract/payload.ts'
import { ContractError } from '../../src/errors/contract-error.ts'

function refusalOf(schema: Parameters<typeof parsePayload>[0]['schema'], payload: unknown): string {
  try {
    parsePayload({ type: 'Todo.Item.Created', schema, sensitive: [] }, payload)
  } catch (error) {
    if (error instanceof ContractError)
      return error.issues.map((issue) => issue.expected).join('; ')
    throw error
  }
  throw new Error('the payload was taken')
}

test.each([
  ['zod, missing', z.object({ title: z.string() }), {}, 'string'],
  [
    'zod, too long',
    z.object({ title: z.string().max(3) }),
    { title: 'four' },
    'string to have <=3 characters',
  ],
  ['zod, format', z.object({ id: z.uuid() }), { id: 'x' }, 'a valid UUID'],
  [
    'zod, own sentence',
    z.object({ n: z.number().refine((n) => n % 2 === 0, 'an even number') }),
    { n: 1 },
    'an even number',
  ],
  ['valibot', v.object({ title: v.string() }), { title: 1 }, 'string'],
  ['arktype', type({ title: 'string' }), { title: 1 }, 'a string'],
])('%s: the message names what was expected, once', (_name, schema, payload, expected) => {
  expect(refusalOf(schema, payload)).toBe(expected)
})
