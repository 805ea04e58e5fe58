import { describe, expect, test } from 'vitest'
import { ANY } from '../../src/bus/selector.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { ofType, openBus, type OpenBus } from '../support/open-bus.ts'

const LOOP = ['Loop.First', 'Loop.Second', 'Loop.Third']
/** The type of the nth delivery, from 1 on. */
const nth = (n: number): Envelope => ofType(LOOP[(n - 1) % LOOP.length]!)

const ways: readonly (readonly [string, (bus: OpenBus['bus'], event: Envelope) => unknown])[] = [
  ['publish', (bus, event) => bus.publish(event)],
  ['publishSync', (bus, event) => bus.publishSync(event)],
]

describe.each(ways)('by %s', (_way, send) => {
  /** Publishes within handlers until so many deliveries lie within each other. */
  async function nest(deep: number) {
    const { bus, failures } = openBus()
    let begun = 0
    bus.subscribe(ANY, () => (++begun < deep ? send(bus, nth(begun + 1)) : undefined))
    await send(bus, nth(1))
    return { begun, failures }
  }

  test('100 deliveries may lie within each other', async () => {
    const { begun, failures } = await nest(100)
    expect(begun).toBe(100)
    expect(failures).toEqual([])
  })

  test('the 101st is refused: its publisher fails, and nobody hears it', async () => {
    const { begun, failures } = await nest(101)
    expect(begun).toBe(100)
    expect(failures).toMatchObject([
      { event: { eventType: nth(100).eventType }, error: { code: 'TIDINGS_PUBLISH_LOOP' } },
    ])
  })

  test('a loop is told by its types, in the order in which they go round', async () => {
    const { failures } = await nest(Number.POSITIVE_INFINITY)
    const path = [96, 97, 98, 99, 100, 101].map((n) => nth(n).eventType)
    expect(new Set(path)).toEqual(new Set(LOOP))
    expect(failures).toMatchObject([
      {
        error: {
          name: 'PublishDepthError',
          path,
          message: expect.stringContaining(`100 deep: ${path.join(' → ')}.`) as string,
        },
      },
    ])
  })
})

test('deliveries that follow each other are no loop, however many they are', async () => {
  const { bus, failures } = openBus()
  let begun = 0
  bus.subscribe(ANY, () => {
    if (++begun < 300) void bus.enqueue(nth(begun))
  })
  await bus.publish(nth(1))
  await bus.drain()
  expect([begun, failures]).toEqual([300, []])
})
