import { expect, test } from 'vitest'
import { idempotent } from '../../../src/bus/operators/idempotent.ts'
import type { WindowOf } from '../../../src/bus/operators/window-of.ts'
import { window } from '../../../src/bus/operators/window.ts'
import type { Envelope } from '../../../src/contract/envelope.ts'
import { aContext, anEvent, numbered } from '../../support/handling.ts'

test.each(['arrival', 'event'] as const)(
  'sliding windows beyond maxKeys forget the key that was quiet longest, by %s',
  (by) => {
    const ctx = aContext()
    const fired: string[] = []
    const note = ({ key }: WindowOf<Envelope>): void => void fired.push(key)
    const key = ({ aggregateId }: Envelope): string => aggregateId
    const handler = window({ count: 3, maxKeys: 2, by, key }, note)
    const send = (...keys: readonly string[]): void => {
      for (const aggregateId of keys) void handler(anEvent({ aggregateId }), ctx)
    }
    // `old` was made first, but `quiet` is silent for longer when the third key comes.
    send('old', 'quiet', 'old', 'new')
    send('old')
    expect(fired).toEqual(['old'])
    // Had it not been forgotten, this would be its third event.
    send('quiet', 'quiet')
    expect(fired).toEqual(['old'])
    send('quiet')
    expect(fired).toEqual(['old', 'quiet'])
  },
)

test('the 10,001st key makes idempotent forget the one that it has not seen for longest, and no other', () => {
  const ctx = aContext()
  const handled: string[] = []
  const handler = idempotent({}, ({ eventId }) => void handled.push(eventId))
  const send = (...ids: readonly number[]): void => {
    for (const event of numbered(...ids)) void handler(event, ctx)
  }
  send(...Array(10_000).keys())
  // Seen again, so it is not the oldest any more.
  send(0)
  expect(handled).toHaveLength(10_000)
  send(10_000)
  handled.length = 0
  send(0, 2, 9999, 10_000)
  expect(handled).toEqual([])
  send(1)
  expect(handled).toEqual(['1'])
})
