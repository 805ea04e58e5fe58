import { describe, expect, test } from 'vitest'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { shareOf } from '../../src/delivery/shard-share.ts'
import { readRecordName, shardName, layoutName, shardOf } from '../../src/delivery/shards.ts'
import { MailRequested } from '../support/failing-mail.ts'

describe('a definition', () => {
  const define = (options: { readonly shards: number; readonly order?: 'all' | 'none' }) =>
    defineSubscription('mail', { events: MailRequested, handle: () => undefined, ...options })

  test.each([0, 65, 1.5, Number.NaN])('refuses %d shards', (shards) => {
    expect(() => define({ shards })).toThrow(/'shards' is a whole number from 1 to 64/)
  })

  test('refuses shards of a key that not every process can work out', () => {
    const key = () => 'ann'
    expect(() =>
      defineSubscription('mail', {
        events: MailRequested,
        handle: () => undefined,
        shards: 2,
        key,
      }),
    ).toThrow(
      /with 'shards' the key that an event was recorded with says whose it is.*leave out one/,
    )
  })

  test('refuses shards of what keeps one order', () => {
    expect(() => define({ shards: 2, order: 'all' })).toThrow(/with 'order: all'/)
    expect(define({ shards: 1, order: 'all' }).plan.shards).toBe(1)
    expect(define({ shards: 64, order: 'none' }).plan.shards).toBe(64)
  })
})

describe('the parts', () => {
  test('a key belongs to the same shard in every release', () => {
    const keys = ['', 'ann', 'ben', 'Grüße', 'order-4711']
    expect(keys.map((key) => shardOf(key, 64))).toMatchInlineSnapshot(`
      [
        11,
        37,
        34,
        58,
        25,
      ]
    `)
  })

  test('keys are spread over the shards', () => {
    const counts = Array.from({ length: 8 }, () => 0)
    for (let n = 0; n < 8000; n++) counts[shardOf(`order-${n}`, 8)]!++
    expect(Math.min(...counts)).toBeGreaterThan(900)
    expect(Math.max(...counts)).toBeLessThan(1100)
  })

  test('the shares differ by one at the most, and make up the whole', () => {
    for (let shards = 1; shards <= 64; shards++) {
      for (let processes = 1; processes <= shards; processes++) {
        const shares = Array.from({ length: processes }, (_, rank) =>
          shareOf(shards, { rank, processes }),
        )
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(shards)
        expect(Math.max(...shares)).toBe(Math.ceil(shards / processes))
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      }
    }
  })

  test('the names of records are read as they are made', () => {
    expect(readRecordName('mail')).toEqual({ name: 'mail', shards: 1, index: undefined })
    expect(readRecordName(layoutName('mail', 4))).toEqual({
      name: 'mail',
      shards: 4,
      index: undefined,
    })
    expect(readRecordName(shardName('mail', { index: 3, of: 4 }))).toEqual({
      name: 'mail',
      shards: 4,
      index: 3,
    })
  })
})
