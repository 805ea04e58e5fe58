import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import '../../src/zod.ts'
import {
  hasSchemaCompiler,
  parsePayload,
  type ContractError,
  type ContractIssue,
} from '../../src/contract.ts'
import { json } from './arbitraries.ts'

// Every kind of schema that a payload is likely to hold; the last two are ones that zod cannot compile.
const parts = {
  title: z.string().min(1).max(20),
  count: z.int().min(0).max(10),
  ratio: z.number(),
  done: z.boolean(),
  id: z.uuid(),
  at: z.iso.datetime({ offset: true }),
  kind: z.enum(['a', 'b']),
  tags: z.array(z.string()).max(3),
  note: z.string().nullable(),
  extra: z.string().optional(),
  level: z.string().default('medium'),
  labels: z.record(z.string(), z.number()),
  pair: z.tuple([z.string(), z.number()]),
  shape: z.discriminatedUnion('is', [
    z.object({ is: z.literal('circle'), radius: z.number() }),
    z.object({ is: z.literal('square'), side: z.number() }),
  ]),
  either: z.union([z.string(), z.number()]),
  both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })),
  strict: z.strictObject({ a: z.string() }),
  loose: z.looseObject({ a: z.string() }),
  even: z.number().refine((n) => n % 2 === 0, 'even'),
  branded: z.string().brand('Branded'),
  anything: z.unknown(),
  json: z.json(),
} as const

const Tree: z.ZodType = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree)
  },
})

type Verdict = { readonly value: unknown } | { readonly issues: readonly ContractIssue[] }

/** What the library makes of it, through the compiled schema where there is one. */
function verdict(schema: z.ZodType, payload: unknown): Verdict {
  try {
    return { value: parsePayload({ type: 'A.B.Created', schema, sensitive: [] }, payload) }
  } catch (error) {
    return { issues: (error as ContractError).issues }
  }
}

/** The same schema under another vendor: no compiler is registered for that. */
function uncompiled(schema: z.ZodType): z.ZodType {
  const standard = { ...schema['~standard'], vendor: 'zod, not compiled' }
  return { '~standard': standard } as unknown as z.ZodType
}

const valid: { readonly [Part in keyof typeof parts]: fc.Arbitrary<unknown> } = {
  title: fc.string({ minLength: 1, maxLength: 20 }),
  count: fc.integer({ min: 0, max: 10 }),
  ratio: fc.double({ noNaN: true, noDefaultInfinity: true }),
  done: fc.boolean(),
  id: fc.uuid(),
  at: fc.constant('2026-11-21T09:30:00+02:00'),
  kind: fc.constantFrom('a', 'b'),
  tags: fc.array(fc.string(), { maxLength: 3 }),
  note: fc.option(fc.string()),
  extra: fc.string(),
  level: fc.string(),
  labels: fc.dictionary(fc.string(), fc.integer()),
  pair: fc.tuple(fc.string(), fc.integer()),
  shape: fc.oneof(
    fc.record({ is: fc.constant('circle'), radius: fc.integer() }),
    fc.record({ is: fc.constant('square'), side: fc.integer() }),
  ),
  either: fc.oneof(fc.string(), fc.integer()),
  both: fc.record({ a: fc.string(), b: fc.string() }),
  strict: fc.record({ a: fc.string() }),
  loose: fc.record({ a: fc.string(), more: fc.string() }),
  even: fc.integer().map((n) => n * 2),
  branded: fc.string(),
  anything: json,
  json,
}

const names = Object.keys(parts) as (keyof typeof parts)[]

/** A schema of some of the parts, and a payload for it: valid, or with some members replaced or dropped. */
const cases = fc.subarray(names, { minLength: 1 }).chain((chosen) => {
  const schema = z.object(Object.fromEntries(chosen.map((part) => [part, parts[part]])))
  const payload = fc.record(Object.fromEntries(chosen.map((part) => [part, valid[part]])))
  const mutations = fc.dictionary(
    fc.constantFrom(...chosen, 'surplus'),
    fc.oneof(json, fc.constant(undefined)),
  )
  return fc.tuple(fc.constant(schema), payload, fc.oneof(fc.constant({}), mutations))
})

describe('a compiled zod schema', () => {
  it('accepts, refuses and makes what the schema itself does, with the same issues', () => {
    expect(hasSchemaCompiler(z.string())).toBe(true)
    const seen = { accepted: 0, refused: 0 }
    fc.assert(
      fc.property(cases, ([schema, payload, mutations]) => {
        const mutated = { ...payload, ...mutations }
        const compiled = verdict(schema, structuredClone(mutated))
        seen['value' in compiled ? 'accepted' : 'refused']++
        expect(compiled).toEqual(verdict(uncompiled(schema), structuredClone(mutated)))
      }),
      { numRuns: 500 },
    )
    // The property says nothing where all cases fall on one side.
    expect(seen.accepted).toBeGreaterThan(50)
    expect(seen.refused).toBeGreaterThan(50)
  })

  it('is what a payload is checked with: each part compiles, but for those that zod cannot', () => {
    const compiles = (schema: z.ZodType): boolean => z.compile(schema) !== schema
    expect(names.filter((part) => !compiles(z.object({ part: parts[part] })))).toEqual(['json'])
    expect(compiles(Tree)).toBe(false)
  })

  it('is the schema itself where zod cannot compile it', () => {
    const tree = { name: 'a', children: [{ name: 'b', children: [] }] }
    expect(verdict(Tree, tree)).toEqual({ value: tree })
    expect(verdict(Tree, { name: 'a', children: [{ name: 5, children: [] }] })).toMatchObject({
      issues: [{ pointer: '/children/0/name' }],
    })
  })
})
