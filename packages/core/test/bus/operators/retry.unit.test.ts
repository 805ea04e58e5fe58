import { describe, expect, test } from 'vitest'
import { retry, type RetryOptions } from '../../../src/bus/operators/retry.ts'
import { settle } from '../../support/fake-clock.ts'
import { aContext, anEvent, throwing } from '../../support/handling.ts'

/** Fails with 1, 2, 3 … and notes when it was called. */
function failing(times: number) {
  const ctx = aContext()
  const startMs = ctx.clock.now()
  const calledMs: number[] = []
  const handler = (): unknown => {
    calledMs.push(ctx.clock.now() - startMs)
    return calledMs.length <= times ? throwing(calledMs.length)() : 'done'
  }
  return { ctx, calledMs, handler }
}

async function delaysOf(options: RetryOptions): Promise<number[]> {
  const { ctx, calledMs, handler } = failing(99)
  const failed = expect(retry({ attempts: 5, ...options }, handler)(anEvent(), ctx)).rejects.toBe(5)
  await ctx.clock.advance(1e7)
  await failed
  return calledMs.slice(1).map((ms, index) => ms - calledMs[index]!)
}

describe('the delays', () => {
  test.each<[string, RetryOptions, number[]]>([
    ['delay × attempt', { random: () => 0 }, [1000, 2000, 3000, 4000]],
    ['doubled', { backoff: 'exponential', random: () => 0 }, [1000, 2000, 4000, 8000]],
    ['up to the longest', { delayMs: 20_000, random: () => 0 }, [20_000, 30_000, 30_000, 30_000]],
    ['1.5 times at the most', { delayMs: 100, random: () => 1 }, [150, 300, 450, 600]],
    ['plain without jitter', { jitter: false, random: () => 1 }, [1000, 2000, 3000, 4000]],
    ['none', { delayMs: 0 }, [0, 0, 0, 0]],
  ])('%s', async (_what, options, expected) => {
    expect(await delaysOf(options)).toEqual(expected)
  })
})

test('what succeeds on a later attempt has succeeded, and the failures were told', async () => {
  const { ctx, handler } = failing(2)
  const told: unknown[] = []
  const options = { jitter: false, onRetry: (failure: unknown) => void told.push(failure) }
  const answer = retry(options, handler)(anEvent(), ctx)
  await ctx.clock.advance(3000)
  expect(await answer).toBe('done')
  expect(told).toEqual([
    { error: 1, attempt: 1, delayMs: 1000 },
    { error: 2, attempt: 2, delayMs: 2000 },
  ])
})

test('a synchronous success answers synchronously', () => {
  expect(retry({}, () => 7)(anEvent(), aContext())).toBe(7)
})

test('a rejected promise is tried again like a thrown error', async () => {
  const ctx = aContext()
  let calls = 0
  const answer = retry({ delayMs: 0 }, async () => {
    if (++calls < 3) throw new Error('not yet')
    return calls
  })(anEvent(), ctx)
  await ctx.clock.advance(0)
  expect(await answer).toBe(3)
})

test.each([undefined, null, 0, 'text', new Error('own')])(
  'the last error is thrown as it is: %s',
  async (reason) => {
    const handler = retry({ attempts: 1 }, throwing(reason))
    const ended = Promise.allSettled([handler(anEvent(), aContext())])
    expect(await ended).toEqual([{ status: 'rejected', reason }])
  },
)

test('an error that is not worth it is thrown at once', async () => {
  const { ctx, calledMs, handler } = failing(99)
  const answer = retry({ when: (error) => error !== 1 }, handler)(anEvent(), ctx)
  await expect(answer).rejects.toBe(1)
  expect(calledMs).toEqual([0])
})

test('an aborted signal ends the waiting, with the last error', async () => {
  const { ctx, calledMs, handler } = failing(99)
  const failed = expect(retry({ jitter: false }, handler)(anEvent(), ctx)).rejects.toBe(2)
  await ctx.clock.advance(1000)
  expect(ctx.clock.sleeping).toBe(1)
  ctx.abort(new Error('over'))
  await failed
  expect(ctx.clock.sleeping).toBe(0)
  expect(calledMs).toEqual([0, 1000])
})

test('a clock that jumps back changes no delay', async () => {
  const { ctx, calledMs, handler } = failing(1)
  const answer = retry({ jitter: false }, handler)(anEvent(), ctx)
  await settle()
  ctx.clock.jump(-3_600_000)
  await ctx.clock.advance(999)
  expect(calledMs).toHaveLength(1)
  await ctx.clock.advance(1)
  expect(await answer).toBe('done')
})

test('one event that waits holds up no other', async () => {
  const ctx = aContext()
  const handler = retry({}, (event: { eventId: string }) => {
    if (event.eventId === 'bad') throw new Error('bad')
    return event.eventId
  })
  const bad = expect(handler(anEvent({ eventId: 'bad' }), ctx)).rejects.toThrow('bad')
  expect(handler(anEvent({ eventId: 'good' }), ctx)).toBe('good')
  await ctx.clock.advance(100_000)
  await bad
})

test('no delay is no delay, however often it is doubled', async () => {
  const { ctx, calledMs, handler } = failing(2000)
  const options: RetryOptions = { attempts: 1100, delayMs: 0, backoff: 'exponential' }
  const failed = expect(retry(options, handler)(anEvent(), ctx)).rejects.toBe(1100)
  for (let attempt = 0; attempt < 1100; attempt++) await ctx.clock.advance(0)
  await failed
  expect(calledMs.at(-1)).toBe(0)
})

describe('a function of its options that fails', () => {
  const boom = new Error('boom')

  test.each<[string, RetryOptions, unknown]>([
    ['when', { when: throwing(boom) }, boom],
    ['onRetry', { onRetry: throwing(boom) }, boom],
    [
      'when, with a promise, which says nothing yet',
      { when: (async () => false) as never },
      expect.objectContaining({ code: 'TIDINGS_ARGUMENT_INVALID' }),
    ],
  ])('%s: nothing is tried again, and both errors are told', async (_name, options, own) => {
    const { ctx, calledMs, handler } = failing(99)
    await expect(retry(options, handler)(anEvent(), ctx)).rejects.toMatchObject({
      name: 'AggregateError',
      errors: [1, own],
    })
    expect(calledMs).toHaveLength(1)
  })
})
