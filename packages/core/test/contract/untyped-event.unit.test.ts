import { expect, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { untypedEvent } from '../../src/contract/untyped-event.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'

test('takes any payload on the bus, unchanged, whatever its name looks like', async () => {
  await using bus = createEventBus()
  const Pinged = untypedEvent('ping')
  const heard: unknown[] = []
  bus.subscribe(Pinged, ({ payload }) => void heard.push(payload))
  bus.subscribe('*', ({ eventType }) => void heard.push(eventType))
  const payloads = [null, 'text', 7, [1, { a: null }], { zen: 'Design for failure.' }]
  for (const payload of payloads) await bus.publish(Pinged(payload))
  expect(heard).toEqual(payloads.flatMap((payload) => [payload, 'ping']))
})

test('is stored and read back, and what JSON cannot say is refused all the same', async () => {
  const Received = untypedEvent('Acme.Hook.Received')
  const modules = [defineModule('hooks', [Received])]
  await using app = await bootstrap({ store: memoryStore(), modules })
  const stream = { aggregateType: 'Acme.Hook', aggregateId: '1' }
  await app.store.append({ ...stream, events: Received({ any: ['thing', 1] }) })
  const [stored] = await app.store.readAll().toArray()
  expect(stored?.payload).toEqual({ any: ['thing', 1] })
  await expect(
    app.store.append({ ...stream, events: Received({ at: new Date(0) }) }),
  ).rejects.toThrow(expect.objectContaining({ code: 'TIDINGS_PAYLOAD_NOT_JSON' }))
  expect(await app.store.head()).toBe(stored?.position)
})

test('under a module its name keeps the rules for names', async () => {
  const modules = [defineModule('hooks', [untypedEvent('ping')])]
  await expect(bootstrap({ store: memoryStore(), modules })).rejects.toThrow(/ping/)
})
