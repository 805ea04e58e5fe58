import { expect, test } from 'vitest'
import { QUIET_MS } from '../../src/bus/closing.ts'
import { ANY } from '../../src/bus/selector.ts'
import { CloseTimeoutError } from '../../src/errors/queue-errors.ts'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { counterModule, CounterUpdated, UpdateCounter } from '../support/counter.ts'
import { manualClock, settle } from '../support/fake-clock.ts'
import { startCounter } from '../support/start.ts'
import { withOverrides } from '../support/stores.ts'

const command = { counterId: 'a', by: 1 }
const append = {
  aggregateType: 'Test.Counter',
  aggregateId: 'b',
  events: CounterUpdated({ counterId: 'b', by: 1 }),
}

test('a close with a limit tells handlers to stop, names them and what else runs, and goes on', async () => {
  const clock = manualClock()
  const app = await startCounter({ clock })
  const work = Promise.withResolvers<void>()
  const signals: AbortSignal[] = []
  app.bus.subscribe(
    ANY,
    (_event, ctx) => {
      signals.push(ctx.signal)
      return work.promise
    },
    { name: 'slow' },
  )
  await app.send(UpdateCounter, command)
  const transaction = app.store.transaction(async (tx) => {
    await work.promise
    await tx.append(append)
  })
  const error = app.close({ timeoutMs: 100 }).catch((reason: unknown) => reason)
  await clock.advance(100)
  expect(await error).toBeInstanceOf(CloseTimeoutError)
  expect(await error).toMatchObject({
    stillRunning: { deliveries: [{ handlers: ['slow'], left: 1 }], commands: 1 },
    message: expect.stringContaining('1 commands or transactions') as string,
  })
  expect(signals[0]?.aborted).toBe(true)
  expect(app.health()).toMatchObject({ live: true, ready: false })
  work.resolve()
  await transaction
  await app.close()
  expect(app.health().live).toBe(false)
})

test('a signal ends the waiting for a close; how the closing fails then goes to its owner', async () => {
  const failures: unknown[] = []
  const broken = new Error('cannot close')
  const store = withOverrides(memoryStore(), { close: () => Promise.reject(broken) })
  const app = await bootstrap({
    store,
    modules: [counterModule],
    onFailure: ({ error }) => void failures.push(error),
  })
  const work = Promise.withResolvers<void>()
  app.bus.subscribe(ANY, () => work.promise)
  await app.send(UpdateCounter, command)
  const controller = new AbortController()
  const left = expect(app.close({ signal: controller.signal })).rejects.toBe('over')
  controller.abort('over')
  await left
  work.resolve()
  await expect(app.close()).rejects.toBe(broken)
  expect(failures).toEqual([broken])
  await expect(app.close({ timeoutMs: -1 })).rejects.toMatchObject({
    code: 'TIDINGS_ARGUMENT_INVALID',
  })
})

test('a handler that waits for what a command has yet to record is not cut, one for nothing is', async () => {
  const clock = manualClock()
  const errors: unknown[] = []
  const app = await startCounter({
    clock,
    onFailure: ({ error }) => void errors.push((error as { code: string }).code),
  })
  const work = Promise.withResolvers<void>()
  const heard: string[] = []
  app.bus.subscribe(ANY, async ({ aggregateId }) => {
    if (aggregateId !== 'a') return
    heard.push((await app.bus.waitFor(ANY)).aggregateId)
    await app.bus.waitFor(ANY)
  })
  await app.send(UpdateCounter, command)
  const transaction = app.store.transaction(async (tx) => {
    await work.promise
    await tx.append(append)
  })
  await settle()
  const closed = app.close()
  await clock.advance(3 * QUIET_MS)
  expect(heard).toEqual([])
  work.resolve()
  await transaction
  await clock.advance(QUIET_MS)
  await closed
  expect(heard).toEqual(['b'])
  // The second wait begins when the bus is closing: it takes no listener any more.
  expect(errors).toEqual(['TIDINGS_CLOSED'])
})

test('who publishes from outside is refused as soon as the application closes', async () => {
  const app = await startCounter()
  const work = Promise.withResolvers<void>()
  app.bus.subscribe(ANY, () => work.promise)
  await app.send(UpdateCounter, command)
  const closed = app.close()
  await expect(app.bus.publish(CounterUpdated(command))).rejects.toMatchObject({
    code: 'TIDINGS_CLOSED',
  })
  work.resolve()
  await closed
})
