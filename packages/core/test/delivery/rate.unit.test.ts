import { expect, test } from 'vitest'
import { openTimed, startOrders, until } from '../support/orders.ts'

test.each(['single', 'group', 'batch'] as const)(
  'a rate is one of events, also where they are handled together: %s',
  async (kind) => {
    const { store, clock } = openTimed()
    const handledAt: number[] = []
    const handle = (): void => void handledAt.push(clock.now())
    const { app, place } = await startOrders({
      store,
      clock,
      ...(kind === 'batch' ? { handleBatch: (events) => events.forEach(handle) } : { handle }),
      subscription: { rate: 10, ...(kind === 'group' ? { effects: 'database' as const } : {}) },
      delivery: { run: false },
    })
    await place('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j')
    app.delivery.start()
    await until(clock, () => handledAt.length === 10)
    await place('k')
    await until(clock, () => handledAt.length === 11)
    // Ten in the first second, whether they began together or not, and the eleventh after it.
    expect(handledAt.at(-1)! - handledAt[0]!).toBeGreaterThanOrEqual(1000)
    expect(handledAt.at(-1)! - handledAt[0]!).toBeLessThan(1200)
  },
)
