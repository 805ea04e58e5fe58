import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { findSchemaFault } from '../../src/contract/json-schema.ts'

describe('findSchemaFault', () => {
  const schema = z.toJSONSchema(
    z.object({
      id: z.string().min(2),
      count: z.int().positive().max(10),
      tags: z.array(z.string().max(3)).max(2).default([]),
      kind: z.enum(['a', 'b']),
      pair: z.tuple([z.string(), z.number()]).optional(),
      choice: z
        .union([
          z.object({ type: z.literal('x'), x: z.number() }),
          z.object({ type: z.literal('y'), y: z.string() }),
        ])
        .optional(),
      none: z.null().optional(),
      counts: z.record(z.string().regex(/^[a-z]+$/), z.number().multipleOf(0.1)).optional(),
    }),
    { io: 'input' },
  ) as Record<string, unknown>
  const good = { id: 'ab', count: 3, kind: 'a' }

  test.each([
    [{}],
    [{ tags: ['abc'] }],
    [{ pair: ['a', 1] }],
    [{ choice: { type: 'y', y: 'text' } }],
    [{ none: null }],
    [{ counts: { abc: 0.3 } }],
    [{ unknown: 'fields are kept' }],
    [{ id: '事件' }],
  ])('takes %j', (changes) => {
    expect(findSchemaFault(schema, { ...good, ...changes })).toBeUndefined()
  })

  test.each([
    [{ id: 'a' }, '/id', 'at least 2 characters'],
    [{ id: undefined }, '/id', 'string'],
    [{ count: 1.5 }, '/count', 'integer'],
    [{ count: 0 }, '/count', 'more than 0'],
    [{ count: 11 }, '/count', 'at most 10'],
    [{ tags: ['a', 'abcd'] }, '/tags/1', 'at most 3 characters'],
    [{ tags: ['a', 'b', 'c'] }, '/tags', 'at most 2 items'],
    [{ kind: 'c' }, '/kind', 'one of ["a","b"]'],
    [{ pair: ['a', 'b'] }, '/pair/1', 'number'],
    [{ choice: { type: 'x', x: '1' } }, '/choice/x', 'number'],
    [{ choice: 7 }, '/choice', 'one of 2 forms'],
    [{ none: 0 }, '/none', 'null'],
    [{ counts: { abc: 0.35 } }, '/counts/abc', 'a multiple of 0.1'],
    [{ counts: { ABC: 1 } }, '/counts/ABC', 'text that fits ^[a-z]+$'],
  ])('refuses %j at %s: %s', (changes, pointer, expected) => {
    expect(findSchemaFault(schema, { ...good, ...changes })).toMatchObject({ pointer, expected })
  })

  test('says what is missing', () => {
    expect(findSchemaFault(schema, { count: 3, kind: 'a' })).toEqual({
      pointer: '/id',
      expected: 'a value',
      actual: 'nothing',
    })
    expect(findSchemaFault(schema, [])).toMatchObject({ pointer: '', expected: 'object' })
  })

  test('follows references, also recursive ones', () => {
    type Tree = { name: string; children: Tree[] }
    const tree: z.ZodType<Tree> = z.lazy(() =>
      z.object({ name: z.string(), children: z.array(tree) }),
    )
    const json = z.toJSONSchema(tree) as Record<string, unknown>
    const leaf = { name: 'leaf', children: [] }
    expect(findSchemaFault(json, { name: 'root', children: [leaf] })).toBeUndefined()
    expect(
      findSchemaFault(json, { name: 'root', children: [leaf, { name: 1, children: [] }] }),
    ).toMatchObject({ pointer: '/children/1/name' })
  })

  test('shortens what it shows', () => {
    const fault = findSchemaFault({ type: 'number' }, 'x'.repeat(500))
    expect(fault?.actual.length).toBeLessThan(100)
  })
})
