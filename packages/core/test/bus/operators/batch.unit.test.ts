import { describe, expect, test } from 'vitest'
import { batch } from '../../../src/bus/operators/batch.ts'
import { retry } from '../../../src/bus/operators/retry.ts'
import type { Envelope } from '../../../src/contract/envelope.ts'
import { currentFrame, runInFrame } from '../../../src/internal/flow.ts'
import { settle } from '../../support/fake-clock.ts'
import { aContext, anEvent, idsOf, numbered } from '../../support/handling.ts'

function collecting() {
  const ctx = aContext()
  const batches: string[] = []
  const collect = (events: readonly Envelope[]): string => {
    batches.push(idsOf(events))
    return idsOf(events)
  }
  return { ctx, batches, collect }
}

test('goes when it is full, and each event’s promise settles with its batch', async () => {
  const { ctx, batches, collect } = collecting()
  const handler = batch({ size: 2 }, collect)
  const answers = numbered(1, 2, 3).map((event) => handler(event, ctx))
  expect(await Promise.all(answers.slice(0, 2))).toEqual(['1 2', '1 2'])
  expect(batches).toEqual(['1 2'])
  await handler.close?.(ctx)
  expect(await answers[2]).toBe('3')
})

test('its age is counted from its first event, and later ones do not put it off', async () => {
  const { ctx, batches, collect } = collecting()
  const handler = batch({ maxAgeMs: 5000 }, collect)
  const [one, two, three] = numbered(1, 2, 3)
  void handler(one!, ctx)
  await ctx.clock.advance(3000)
  void handler(two!, ctx)
  await ctx.clock.advance(1999)
  expect(batches).toEqual([])
  await ctx.clock.advance(1)
  expect(batches).toEqual(['1 2'])
  void handler(three!, ctx)
  await ctx.clock.advance(4999)
  expect(batches).toHaveLength(1)
  await ctx.clock.advance(1)
  expect(batches).toEqual(['1 2', '3'])
})

test('a full batch leaves no timer behind that would cut the next one short', async () => {
  const { ctx, batches, collect } = collecting()
  const handler = batch({ size: 2, maxAgeMs: 5000 }, collect)
  for (const event of numbered(1, 2)) void handler(event, ctx)
  await ctx.clock.advance(4000)
  expect(ctx.clock.sleeping).toBe(0)
  void handler(anEvent({ eventId: '3' }), ctx)
  await ctx.clock.advance(4999)
  expect(batches).toEqual(['1 2'])
  await ctx.clock.advance(1)
  expect(batches).toEqual(['1 2', '3'])
})

test('a clock that jumps back delays no batch', async () => {
  const { ctx, batches, collect } = collecting()
  void batch({ maxAgeMs: 100 }, collect)(anEvent(), ctx)
  ctx.clock.jump(-3_600_000)
  await ctx.clock.advance(100)
  expect(batches).toHaveLength(1)
})

test('closing sends what there is, waits for it, and can be followed by more', async () => {
  const { ctx, batches, collect } = collecting()
  const gate = Promise.withResolvers<void>()
  const handler = batch({}, async (events: readonly Envelope[]) => {
    await gate.promise
    return collect(events)
  })
  for (const event of numbered(1, 2)) void handler(event, ctx)
  let isClosed = false
  const closing = Promise.resolve(handler.close?.(ctx)).then(() => (isClosed = true))
  await settle()
  expect(isClosed).toBe(false)
  gate.resolve()
  await closing
  expect(batches).toEqual(['1 2'])
  expect(ctx.clock.sleeping).toBe(0)
  // Another listener has the same handler.
  void handler(anEvent({ eventId: '3' }), ctx)
  await handler.close?.(ctx)
  expect(batches).toEqual(['1 2', '3'])
})

test('batches are handled one after the other', async () => {
  const ctx = aContext()
  const steps: string[] = []
  const gate = Promise.withResolvers<void>()
  const handler = batch({ size: 1 }, async (events: readonly Envelope[]) => {
    steps.push(`begin ${idsOf(events)}`)
    if (steps.length === 1) await gate.promise
    steps.push(`end ${idsOf(events)}`)
  })
  const answers = numbered(1, 2).map((event) => handler(event, ctx))
  await settle()
  expect(steps).toEqual(['begin 1'])
  gate.resolve()
  await Promise.all(answers)
  expect(steps).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2'])
})

test('an aborted signal sends it at once: its callers wait', async () => {
  const { ctx, batches, collect } = collecting()
  const answer = batch({}, collect)(anEvent({ eventId: '1' }), ctx)
  ctx.abort('over')
  expect(await answer).toBe('1')
  expect(batches).toEqual(['1'])
})

test('runs in no event’s context', async () => {
  const ctx = aContext()
  const event = anEvent()
  const handler = batch({ size: 1 }, () => currentFrame()?.correlationId ?? 'none')
  expect(await runInFrame(event, () => handler(event, ctx))).toBe('none')
})

describe('a batch that fails', () => {
  const isBad = (event: Envelope): boolean => event.eventId.startsWith('bad')

  async function outcomesOf(bisect: boolean, ids: readonly string[]) {
    const ctx = aContext()
    const calls: string[] = []
    const handler = batch({ size: ids.length, bisect }, (events: readonly Envelope[]) => {
      calls.push(idsOf(events))
      if (events.some(isBad)) throw new Error(idsOf(events))
    })
    const settled = await Promise.allSettled(
      ids.map((eventId) => handler(anEvent({ eventId }), ctx)),
    )
    const failed = settled.map((one) =>
      one.status === 'rejected' ? (one.reason as Error).message : '',
    )
    return { calls, failed }
  }

  test('fails all its events with its error', async () => {
    const { calls, failed } = await outcomesOf(false, ['1', 'bad', '3'])
    expect(failed).toEqual(['1 bad 3', '1 bad 3', '1 bad 3'])
    expect(calls).toHaveLength(1)
  })

  test('bisected, fails the bad event alone, and keeps the order', async () => {
    const { calls, failed } = await outcomesOf(true, ['1', '2', 'bad', '4', '5'])
    expect(failed).toEqual(['', '', 'bad', '', ''])
    expect(calls).toEqual(['1 2 bad 4 5', '1 2 bad', '1 2', 'bad', '4 5'])
  })

  test('bisected, one bad event of 100 costs what the docstring says', async () => {
    for (const at of [0, 31, 99]) {
      const ids = Array.from({ length: 100 }, (_, index) => (index === at ? 'bad' : `${index}`))
      const { calls, failed } = await outcomesOf(true, ids)
      expect(failed.filter((message) => message !== '')).toEqual(['bad'])
      expect(calls.length).toBeLessThanOrEqual(15)
      expect(calls.length).toBeGreaterThanOrEqual(13)
    }
  })

  test('does not stop the next one', async () => {
    const ctx = aContext()
    let calls = 0
    const handler = batch({ size: 1 }, () => {
      if (++calls === 1) throw new Error('first')
      return calls
    })
    await expect(handler(anEvent(), ctx)).rejects.toThrow('first')
    expect(await handler(anEvent(), ctx)).toBe(2)
  })

  test('can be tried again: operators fit around a batch’s function', async () => {
    const { ctx, batches, collect } = collecting()
    let calls = 0
    const trying = retry({ delayMs: 0 }, (events: readonly Envelope[]) => {
      if (++calls < 3) throw new Error('not yet')
      return collect(events)
    })
    const handler = batch({ size: 2 }, trying)
    const both = numbered(1, 2).map((event) => handler(event, ctx))
    await ctx.clock.advance(0)
    expect(await Promise.all(both)).toEqual(['1 2', '1 2'])
    expect(batches).toEqual(['1 2'])
  })
})
