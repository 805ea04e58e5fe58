import { expect, test, vi } from 'vitest'
import * as z from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { systemClock } from '../../src/internal/clock.ts'
import { newId } from '../../src/internal/ids.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'

const Counted = defineEvent('Test.Counter.Counted', { payload: z.object({ by: z.number() }) })
const Shouted = defineEvent('Test.Voice.Raised', {
  payload: z.object({ text: z.string().transform((text) => `${text}!`) }),
})
const start = () =>
  bootstrap({ store: memoryStore(), modules: [defineModule('test', [Counted, Shouted])] })

test('a repeated append answers with the events as they were stored', async () => {
  await using app = await start()
  const eventId = newId()
  const append = (by: number) =>
    app.store.append({
      aggregateType: 'Test.Counter',
      aggregateId: 'a',
      events: Counted({ by }, { eventId }),
    })
  const first = await append(1)
  expect(await append(2)).toEqual(first)
  const inTransaction = app.store.transaction(async (tx) =>
    tx.append({
      aggregateType: 'Test.Counter',
      aggregateId: 'a',
      events: Counted({ by: 3 }, { eventId }),
    }),
  )
  await expect(inTransaction).resolves.toBeUndefined()
  expect(await app.store.readAll().toArray()).toEqual(first)
})

test('a schema that changes its own output is refused when the event is made', async () => {
  await using app = await start()
  const appended = app.store.append({
    aggregateType: 'Test.Voice',
    aggregateId: 'a',
    events: Shouted({ text: 'hello' }),
  })
  await expect(appended).rejects.toMatchObject({ code: 'TIDINGS_PAYLOAD_INVALID' })
  expect(await app.store.head()).toBe(0)
})

test('a listener for an event that the application does not know is refused', async () => {
  await using app = await start()
  const Elsewhere = defineEvent('Test.Thing.Created', { payload: z.object({}) })
  expect(() => app.bus.subscribe(Elsewhere, () => undefined)).toThrow(/Test\.Thing\.Created/)
})

test('a sleep longer than a timer can wait does not end at once', async () => {
  vi.useFakeTimers()
  try {
    let awake = false
    void systemClock.sleep(2 ** 31 + 10).then(() => (awake = true))
    await vi.advanceTimersByTimeAsync(2 ** 31 - 1)
    expect(awake).toBe(false)
    await vi.advanceTimersByTimeAsync(11)
    expect(awake).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})
