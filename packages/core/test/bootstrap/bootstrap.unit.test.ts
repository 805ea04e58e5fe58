import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineCommand } from '../../src/contract/define-command.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { RegistryError } from '../../src/errors/usage-errors.ts'
import { defineCommandHandler } from '../../src/messaging/command-handler.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { Counter, counterModule, CounterUpdated, UpdateCounter } from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { stores, withOverrides } from '../support/stores.ts'

const payload = z.object({ counterId: z.string() })

test('one start-up error lists every problem: handlers, names, aliases, unknown parts', async () => {
  const Orphan = defineCommand('Test.Orphan.Update', { payload })
  const Twice = defineEvent('Test.Other.Completed', { payload, aliases: ['CounterMoved'] })
  const Misnamed = defineEvent('Test.Other.complete', { payload })
  const second = defineCommandHandler(UpdateCounter, async () => undefined)
  const strange = { kind: 'projection' }

  const started = bootstrap({
    store: memoryStore(),
    modules: [counterModule, defineModule('faulty', [Orphan, Twice, Misnamed, second, strange])],
  })

  const error = await started.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(RegistryError)
  const { problems } = error as RegistryError
  expect(problems).toEqual(
    expect.arrayContaining([
      expect.stringContaining("'Test.Orphan.Update' has no handler"),
      expect.stringContaining("'Test.Counter.Update' has two handlers: aggregate 'Test.Counter'"),
      expect.stringContaining("'CounterMoved'"),
      expect.stringContaining("'Test.Other.complete'"),
      expect.stringContaining("'projection'"),
    ]),
  )
  for (const problem of problems) expect((error as Error).message).toContain(problem)
})

test('an aggregate in two modules is two handlers, and the very same event twice is one', async () => {
  const again = defineModule('again', [CounterUpdated])
  await startCounter({ modules: [counterModule, again] })

  const twice = bootstrap({
    store: memoryStore(),
    modules: [counterModule, defineModule('b', [Counter])],
  })
  await expect(twice).rejects.toThrow(/'Test.Counter.Update' has two handlers/)
})

test('an application that cannot start closes the store that it was given', async () => {
  const store = memoryStore()
  const Orphan = defineCommand('Test.Orphan.Update', { payload })
  await expect(bootstrap({ store, modules: [defineModule('faulty', [Orphan])] })).rejects.toThrow(
    RegistryError,
  )
  await expect(store.head()).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
})

test('a store that cannot be opened fails the start as it failed', async () => {
  const failure = new Error('no disk')
  const started = bootstrap({ store: Promise.reject(failure), modules: [counterModule] })
  await expect(started).rejects.toBe(failure)
})

test.each(stores)('on $kind, what the modules define is declared in the log', async ({ open }) => {
  const store = await open()
  await startCounter({ store })
  const declared = await store.contracts.list()
  expect(declared.map(({ type, kind }) => `${kind} ${type}`).sort()).toEqual([
    'command Test.Counter.Read',
    'command Test.Counter.Update',
    'command Test.Counter.UpdateTwice',
    'event Test.Counter.Completed',
    'event Test.Counter.Updated',
  ])
})

test.each(stores)(
  'on $kind, close lets commands under way finish, and refuses later ones',
  async ({ open }) => {
    const inner = await open()
    const gate = Promise.withResolvers<void>()
    const store = withOverrides(inner, {
      append: async (...args) => {
        await gate.promise
        return inner.append(...args)
      },
    })
    const app = await startCounter({ store })
    const sent = app.send(UpdateCounter, { counterId: 'a', by: 1 })
    const closed = app.close()
    const late = app.send(UpdateCounter, { counterId: 'a', by: 1 })

    await expect(late).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
    expect(app.health()).toEqual({
      live: true,
      ready: false,
      reasons: ['the application is draining'],
      subscriptions: [],
    })
    gate.resolve()
    await expect(sent).resolves.toMatchObject({ state: { total: 1 } })
    await closed
    await expect(inner.head()).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
  },
)

test('close waits for the listeners that still run', async () => {
  const app = await startCounter()
  const gate = Promise.withResolvers<void>()
  const heard: number[] = []
  app.bus.subscribe(CounterUpdated, async ({ payload }) => {
    await gate.promise
    heard.push(payload.by)
  })
  await app.send(UpdateCounter, { counterId: 'a', by: 7 })
  const isClosed = vi.fn<() => void>()
  const closed = app.close().then(isClosed)
  // Whatever close does not wait for has run by then.
  await new Promise((resolve) => setImmediate(resolve))
  expect(isClosed).not.toHaveBeenCalled()
  gate.resolve()
  await closed
  expect(heard).toEqual([7])
})

test('what a running listener still has to send is sent before the application closes', async () => {
  const store = memoryStore()
  const app = await startCounter({ store })
  const gate = Promise.withResolvers<void>()
  const sent = Promise.withResolvers<unknown>()
  app.bus.subscribe(CounterUpdated, async ({ payload }) => {
    if (payload.counterId !== 'a') return
    await gate.promise
    await app.send(UpdateCounter, { counterId: 'b', by: 2 }).then(sent.resolve, sent.reject)
  })
  await app.send(UpdateCounter, { counterId: 'a', by: 1 })
  const closed = app.close()
  gate.resolve()
  await expect(sent.promise).resolves.toMatchObject({ state: { total: 2 } })
  await closed
  expect(app.health()).toEqual({
    live: false,
    ready: false,
    reasons: ['the application is closed'],
    subscriptions: [],
  })
})

test('closing twice is closing once, also by await using', async () => {
  const store = memoryStore()
  const close = vi.fn<() => Promise<void>>(() => store.close())
  const app = await startCounter({ store: withOverrides(store, { close }) })
  await Promise.all([app.close(), app.close()])
  await app[Symbol.asyncDispose]()
  expect(close).toHaveBeenCalledTimes(1)
})

test('the application names itself as the source of its events', async () => {
  const app = await startCounter({ source: 'test-service' })
  const { events } = await app.send(UpdateCounter, { counterId: 'a', by: 1 })
  expect(events[0]?.metadata).toEqual({ source: 'test-service' })
})

test('an event above maxEventBytes is refused, and nothing of it is stored', async () => {
  const store = memoryStore()
  const app = await startCounter({ store, maxEventBytes: 100 })
  const sent = app.send(UpdateCounter, { counterId: 'x'.repeat(200), by: 1 })
  await expect(sent).rejects.toMatchObject({ code: 'TIDINGS_EVENT_TOO_LARGE' })
  expect(await store.head()).toBe(0)
})

test('a verb of the team is admitted when it is named', async () => {
  const Nudged = defineEvent('Test.Other.Nudged', { payload })
  const modules = [defineModule('nudge', [Nudged])] as const
  await expect(bootstrap({ store: memoryStore(), modules })).rejects.toThrow(/Nudged/)
  await using app = await bootstrap({ store: memoryStore(), modules, verbs: ['Nudged'] })
  expect(app.registry.event('Test.Other.Nudged')).toBe(Nudged)
})

test('a failure that no caller waits for is written to standard error when nobody owns it', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    await using app = await bootstrap({ store: memoryStore(), modules: [counterModule] })
    app.bus.subscribe(CounterUpdated, () => {
      throw new Error('the listener broke')
    })
    const { events, correlationId } = await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    const text = String(write.mock.calls[0]?.[0])
    for (const fact of [
      'the listener broke',
      'Test.Counter.Updated',
      events[0]!.eventId,
      correlationId,
    ]) {
      expect(text).toContain(fact)
    }
  } finally {
    write.mockRestore()
  }
})
