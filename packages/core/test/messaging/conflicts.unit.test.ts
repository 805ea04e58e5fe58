import { expect, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { ConcurrencyError } from '../../src/errors/store-errors.ts'
import { defineCommandHandler } from '../../src/messaging/command-handler.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { CounterUpdated, UpdateCounter } from '../support/counter.ts'
import { startCounter, type CounterApp } from '../support/start.ts'
import { stores, withOverrides } from '../support/stores.ts'

const add = { counterId: 'a', by: 1 }

/** A clock whose sleeps are over at once, and remembered. */
function notedClock() {
  const slept: number[] = []
  return {
    now: () => Date.UTC(2026, 10, 21),
    sleep: async (ms: number) => void slept.push(ms),
    slept,
  }
}

/** A store on which somebody else is first, the given number of times. */
function contested(inner: Store, times: number, rival: () => CounterApp) {
  let attempts = 0
  return {
    store: withOverrides(inner, {
      append: async (appends, options) => {
        if (attempts++ < times) {
          const events = CounterUpdated({ counterId: 'a', by: 10 })
          await rival().store.append({ aggregateType: 'Test.Counter', aggregateId: 'a', events })
        }
        return inner.append(appends, options)
      },
    }),
    attempts: () => attempts,
  }
}

test.each(stores)(
  'on $kind, a command is decided again on what was there first',
  async ({ open }) => {
    const inner = await open()
    const rival = await startCounter({
      store: withOverrides(inner, { close: async () => undefined }),
    })
    const clock = notedClock()
    const { store, attempts } = contested(inner, 3, () => rival)
    const app = await startCounter({ store, clock, random: () => 0.5 })
    const sent = await app.send(UpdateCounter, add)
    expect(sent.state).toEqual({ total: 31 })
    expect(sent.events[0]?.streamVersion).toBe(4)
    expect(attempts()).toBe(4)
    // 5, 10 and 20 ms, each a quarter longer: half of the half that chance may add.
    expect(clock.slept).toEqual([6.25, 12.5, 25])
  },
)

test('after three retries the conflict reaches the caller, with its facts', async () => {
  const inner = memoryStore()
  const rival = await startCounter({
    store: withOverrides(inner, { close: async () => undefined }),
  })
  const clock = notedClock()
  const { store, attempts } = contested(inner, 99, () => rival)
  const app = await startCounter({ store, clock })
  const error = await app.send(UpdateCounter, add).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ConcurrencyError)
  expect(error).toMatchObject({ stream: 'Test.Counter/a', expected: 3, actual: 4, retryable: true })
  expect([attempts(), clock.slept.length]).toEqual([4, 3])
})

test.each([
  [0, 1],
  [1, 2],
])('with %d retries there are %d attempts', async (retries, expected) => {
  const inner = memoryStore()
  const rival = await startCounter({
    store: withOverrides(inner, { close: async () => undefined }),
  })
  const { store, attempts } = contested(inner, 99, () => rival)
  const app = await startCounter({ store, clock: notedClock(), conflicts: { retries } })
  await expect(app.send(UpdateCounter, add)).rejects.toBeInstanceOf(ConcurrencyError)
  expect(attempts()).toBe(expected)
})

test('chance spreads the delays over a half, so that those who collided part', async () => {
  const delays: number[][] = []
  for (const chance of [0, 0.999]) {
    const inner = memoryStore()
    const rival = await startCounter({
      store: withOverrides(inner, { close: async () => undefined }),
    })
    const clock = notedClock()
    const { store } = contested(inner, 2, () => rival)
    const app = await startCounter({
      store,
      clock,
      random: () => chance,
      conflicts: { delayMs: 100 },
    })
    await app.send(UpdateCounter, add)
    delays.push(clock.slept)
  }
  expect(delays[0]).toEqual([100, 200])
  expect(delays[1]?.map(Math.round)).toEqual([150, 300])
})

test('an abort while it waits for its next attempt ends the command with the reason', async () => {
  const inner = memoryStore()
  const rival = await startCounter({
    store: withOverrides(inner, { close: async () => undefined }),
  })
  const { store, attempts } = contested(inner, 99, () => rival)
  const reason = new Error('the caller hung up')
  const caller = new AbortController()
  const clock = {
    ...notedClock(),
    sleep: async (_ms: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}) => {
      caller.abort(reason)
      signal?.throwIfAborted()
    },
  }
  const app = await startCounter({ store, clock })
  await expect(app.send(UpdateCounter, add, { signal: caller.signal })).rejects.toBe(reason)
  expect(attempts()).toBe(1)
})

test.each(stores)(
  'on $kind, a handler is run again, and only its last run is left',
  async ({ open }) => {
    let runs = 0
    const handler = defineCommandHandler(UpdateCounter, async (command, { tx }) => {
      runs++
      await tx.append({
        aggregateType: 'Test.Counter',
        aggregateId: command.counterId,
        // What the first run expects is not so; nor can it be, in a transaction that locks.
        expectedVersion: runs === 1 ? 7 : 0,
        events: CounterUpdated({ ...command, by: runs }),
      })
      return runs
    })
    const store = await open()
    const modules = [defineModule('handler', [CounterUpdated, handler])] as const
    await using app = await bootstrap({ store, modules, clock: notedClock() })
    const sent = await app.send(UpdateCounter, add)
    expect(sent.result).toBe(2)
    expect((await store.readAll().toArray()).map(({ payload }) => payload)).toEqual([
      { counterId: 'a', by: 2 },
    ])
  },
)
