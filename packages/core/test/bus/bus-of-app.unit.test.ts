import { describe, expect, test } from 'vitest'
import { ANY } from '../../src/bus/selector.ts'
import { CounterUpdated, UpdateCounter, UpdateTwice } from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { stores } from '../support/stores.ts'

describe.each(stores)('on $kind, an application', ({ open }) => {
  test('delivers what it commits, in order of position, after the commit', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const heard: [position: number | undefined, isStored: boolean][] = []
    const checks: Promise<void>[] = []
    app.bus.subscribe('Test.Counter.*', (event) => {
      checks.push(
        store.findEvent(event.eventId).then((found) => {
          heard.push([event.position, found?.position === event.position])
        }),
      )
    })
    await app.send(UpdateTwice, { counterId: 'a', by: 1 })
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    await Promise.all(checks)
    expect(heard).toEqual([
      [1, true],
      [2, true],
      [3, true],
    ])
  })

  test('publishes nothing of what is not committed, and nothing twice', async () => {
    const app = await startCounter({ store: await open() })
    const heard: string[] = []
    app.bus.subscribe(ANY, ({ eventId }) => void heard.push(eventId))
    const events = CounterUpdated(
      { counterId: 'a', by: 1 },
      { eventId: '0199e2c4-1111-7111-8111-111111111111' },
    )
    const append = { aggregateType: 'Test.Counter', aggregateId: 'a', events }

    await expect(app.store.append({ ...append, expectedVersion: 7 })).rejects.toThrow(
      /expected version 7/,
    )
    await expect(
      app.store.transaction(async (tx) => {
        await tx.append(append)
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(heard).toEqual([])

    await app.store.append(append)
    await app.store.append(append)
    expect(heard).toEqual(['0199e2c4-1111-7111-8111-111111111111'])
  })

  test('is not held up, and not failed, by its listeners', async () => {
    const failures: unknown[] = []
    const app = await startCounter({
      store: await open(),
      onFailure: (failure) => failures.push(failure.error),
    })
    const gate = Promise.withResolvers<void>()
    const failure = new Error('no')
    app.bus.subscribe(CounterUpdated, () => gate.promise)
    app.bus.subscribe(CounterUpdated, () => {
      throw failure
    })
    await expect(app.send(UpdateCounter, { counterId: 'a', by: 1 })).resolves.toMatchObject({
      position: 1,
    })
    expect(failures).toEqual([failure])
    gate.resolve()
  })
})

test('a closed application takes no listener', async () => {
  const app = await startCounter()
  await app.close()
  expect(() => app.bus.subscribe(ANY, () => undefined)).toThrow(
    expect.objectContaining({ code: 'TIDINGS_CLOSED' }),
  )
})
