import { MessageChannel } from 'node:worker_threads'
import { describe, expect, test, vi } from 'vitest'
import { ANY } from '../../src/bus/selector.ts'
import { anEvent, numbered } from '../support/handling.ts'
import { openBus } from '../support/open-bus.ts'

/** Hundreds of turns. A loop that lets nobody else run ends here: no time limit could end it. */
const ENDLESS = 300_000

/** One of each kind that waits for its turn; each leaves the set when it has had it. */
function others(): Set<string> {
  const waiting = new Set(['timer', 'immediate', 'message'])
  setTimeout(() => waiting.delete('timer'), 0)
  setImmediate(() => waiting.delete('immediate'))
  const { port1, port2 } = new MessageChannel()
  // It comes as what a socket brings does, and needs none.
  port1.once('message', () => {
    waiting.delete('message')
    port1.close()
  })
  port2.postMessage('')
  return waiting
}

describe('lets timers, immediates and messages have their turn', () => {
  test.each([
    ['a handler', () => undefined],
    ['an asynchronous handler, which waits for promises alone,', () => Promise.resolve()],
  ])('%s that enqueues without end', async (_name, answer) => {
    const { bus } = openBus()
    const waiting = others()
    let handled = 0
    bus.subscribe(ANY, () => {
      if (waiting.size > 0 && handled++ < ENDLESS) void bus.enqueue(anEvent())
      return answer()
    })
    void bus.enqueue(anEvent())
    await bus.drain()
    expect([...waiting]).toEqual([])
  })

  test('two buses that enqueue into each other', async () => {
    const [one, other] = [openBus().bus, openBus().bus]
    const waiting = others()
    let handled = 0
    const into = (bus: typeof one) => async () => {
      if (waiting.size > 0 && handled++ < ENDLESS) void bus.enqueue(anEvent())
    }
    one.subscribe(ANY, into(other))
    other.subscribe(ANY, into(one))
    void one.enqueue(anEvent())
    await vi.waitFor(() => expect([...waiting]).toEqual([]))
    await Promise.all([one.drain(), other.drain()])
    expect(handled).toBeLessThan(ENDLESS)
  })
})

test.each(['low', 'medium', 'high'] as const)(
  'what a handler enqueues with priority %s does not overtake the callers that wait for a place',
  async (priority) => {
    const { bus } = openBus({ queue: { maxQueueSize: 1 } })
    const [inQueue, waiting, waitingToo, ofHandler] = numbered(1, 2, 3, 4)
    const heard: string[] = []
    const admitted: string[] = []
    bus.subscribe(ANY, ({ eventId }) => {
      heard.push(eventId)
      if (eventId !== '1') return
      // The place of the event that is handled now is free: whoever waits longest gets it.
      void bus.enqueue(ofHandler!, { priority })?.then(() => admitted.push('4'))
    })
    void bus.enqueue(inQueue!)
    void bus.enqueue(waiting!)?.then(() => admitted.push('2'))
    void bus.enqueue(waitingToo!)?.then(() => admitted.push('3'))
    await bus.drain()
    expect(heard).toEqual(['1', '2', '3', '4'])
    expect(admitted).toEqual(['2', '3', '4'])
  },
)
