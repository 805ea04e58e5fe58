import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineAggregate, type DecideContext } from '../../src/contract/define-aggregate.ts'
import { defineCommand } from '../../src/contract/define-command.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { ContractError } from '../../src/errors/contract-error.ts'
import { UsageError } from '../../src/errors/usage-errors.ts'
import { isUuid, nameId } from '../../src/internal/ids.ts'
import { defineCommandHandler } from '../../src/messaging/command-handler.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import {
  Counter,
  counterModule,
  CounterUpdated,
  LookAtCounter,
  UpdateCounter,
  UpdateTwice,
} from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { stores } from '../support/stores.ts'

const payload = z.object({ rowId: z.string() })
const Renamed = defineEvent('Test.Row.Updated', { payload })
const Rename = defineCommand('Test.Row.Update', { payload })

describe.each(stores)('on $kind', ({ open }) => {
  test('a command answers with its events, the state after them and where they are', async () => {
    const app = await startCounter({ store: await open() })
    await app.send(UpdateCounter, { counterId: 'a', by: 5 })
    const sent = await app.send(UpdateTwice, { counterId: 'a', by: 2 })

    expect(sent.state).toEqual({ total: 9 })
    expect(sent.events.map((event) => [event.eventType, event.streamVersion])).toEqual([
      ['Test.Counter.Updated', 2],
      ['Test.Counter.Updated', 3],
    ])
    expect(sent.position).toBe(sent.events[1]?.position)
    expect(sent).toMatchObject({ result: undefined, repeated: false })
    expect(await app.store.readStream('Test.Counter/a', { from: 2 }).toArray()).toEqual(sent.events)
  })

  test('a command that leads to nothing stores no event, and is recorded all the same', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const sent = await app.send(LookAtCounter, { counterId: 'a' })
    expect(sent).toMatchObject({ events: [], state: { total: 0 }, position: undefined })
    expect(await store.head()).toBe(0)
    expect(await store.commands.find(sent.commandId)).toMatchObject({
      type: 'Test.Counter.Read',
      outcome: 'done',
      firstPosition: undefined,
      lastPosition: undefined,
    })
  })

  test('the row of a command says where its events are, and is the root of their trace', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const sent = await app.send(UpdateTwice, { counterId: 'a', by: 2 }, { actor: 'ada' })
    expect(await store.commands.find(sent.commandId)).toMatchObject({
      commandId: sent.commandId,
      type: 'Test.Counter.UpdateTwice',
      correlationId: sent.commandId,
      causationId: undefined,
      actor: 'ada',
      outcome: 'done',
      stream: 'Test.Counter/a',
      streamVersion: 2,
      firstPosition: sent.events[0]?.position,
      lastPosition: sent.events[1]?.position,
    })
    for (const event of sent.events) {
      expect(event).toMatchObject({
        causationId: sent.commandId,
        correlationId: sent.commandId,
        metadata: { actor: 'ada' },
      })
    }
  })

  test('what a handler throws reaches the caller as the same object, and nothing is stored', async () => {
    const failure = Object.assign(new Error('no'), { code: 'NO' })
    const handler = defineCommandHandler(Rename, async (command, { tx }) => {
      await tx.append({ aggregateType: 'Test.Row', aggregateId: 'a', events: Renamed(command) })
      throw failure
    })
    const store = await open()
    await using app = await bootstrap({
      store,
      modules: [defineModule('rows', [Renamed, handler])],
    })
    await expect(app.send(Rename, { rowId: 'a' })).rejects.toBe(failure)
    expect(await store.head()).toBe(0)
  })

  test('a handler answers with its result, which is kept with the command', async () => {
    const handler = defineCommandHandler(Rename, async ({ rowId }, { tx }) => {
      await tx.append({ aggregateType: 'Test.Row', aggregateId: rowId, events: Renamed({ rowId }) })
      return { renamed: [rowId] }
    })
    const store = await open()
    await using app = await bootstrap({
      store,
      modules: [defineModule('rows', [Renamed, handler])],
    })
    const sent = await app.send(Rename, { rowId: 'a' })
    expect(sent).toMatchObject({ result: { renamed: ['a'] }, state: undefined })
    expect(sent.events).toHaveLength(1)
    expect((await store.commands.find(sent.commandId))?.result).toBe('{"renamed":["a"]}')
  })

  test('a handler loads an aggregate and records on it, and the same one twice is one', async () => {
    const handler = defineCommandHandler(Rename, async ({ rowId }, { tx }) => {
      const counter = await tx.load(Counter, rowId)
      counter.record(CounterUpdated({ counterId: rowId, by: 3 }))
      const again = await tx.load(Counter, rowId)
      again.record(CounterUpdated({ counterId: rowId, by: again.state.total }))
      return again.state.total
    })
    const store = await open()
    await using app = await bootstrap({
      store,
      modules: [counterModule, defineModule('rows', [handler])],
    })
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    const sent = await app.send(Rename, { rowId: 'a' })
    expect(sent.result).toBe(8)
    expect(await app.store.load(Counter, 'a')).toEqual({ state: { total: 8 }, version: 3 })
  })
})

test('a command that no module handles is refused by its name', async () => {
  const app = await startCounter()
  const send = app.send as (command: typeof Rename, input: unknown) => Promise<unknown>
  await expect(send(Rename, { rowId: 'a' })).rejects.toThrow(
    /No module of this application handles 'Test.Row.Update'/,
  )
  await expect(send(Rename, { rowId: 'a' })).rejects.toMatchObject({
    code: 'TIDINGS_COMMAND_UNHANDLED',
  })
})

test('an input that does not fit is refused with its pointer, before any handler runs', async () => {
  const store = memoryStore()
  const app = await startCounter({ store })
  const error = await app
    .send(UpdateCounter, { counterId: 'a', by: '1' as unknown as number })
    .catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ContractError)
  expect(error).toMatchObject({
    code: 'TIDINGS_PAYLOAD_INVALID',
    type: 'Test.Counter.Update',
    issues: [{ pointer: '/by', actual: '"1"' }],
  })
  expect(await store.catalog.stats()).toMatchObject({ events: 0, commands: 0 })
})

test('a sensitive field of a command is in no error', async () => {
  const Secret = defineCommand('Test.Secret.Update', {
    payload: z.object({ pin: z.string().max(4) }),
    sensitive: ['pin'],
  })
  const module = defineModule('secret', [defineCommandHandler(Secret, async () => undefined)])
  await using app = await bootstrap({ store: memoryStore(), modules: [module] })
  const error = await app.send(Secret, { pin: 'hunter2' }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ issues: [{ pointer: '/pin', actual: '[sensitive]' }] })
  expect(JSON.stringify(error) + (error as Error).message).not.toContain('hunter2')
})

test('the context of a decision says when, who and under which ids', async () => {
  const seen: DecideContext[] = []
  const Row = defineAggregate('Test.Row', {
    events: [Renamed],
    commands: [Rename],
    id: (command) => command.rowId,
    initialState: 0,
    evolve: { 'Test.Row.Updated': (state) => state + 1 },
    decide: {
      'Test.Row.Update': (_command, _state, ctx) => {
        seen.push(ctx)
        return []
      },
    },
  })
  const clock = { now: () => Date.UTC(2026, 10, 21, 9, 30), sleep: async () => undefined }
  await using app = await bootstrap({
    store: memoryStore(),
    modules: [defineModule('row', [Row])],
    clock,
  })
  const { commandId } = await app.send(
    Rename,
    { rowId: 'a' },
    { actor: 'ada', tenant: 'acme', correlationId: 'order 7' },
  )
  expect(seen[0]).toMatchObject({
    now: '2026-11-21T09:30:00.000Z',
    actor: 'ada',
    tenant: 'acme',
    commandId,
    correlationId: nameId('order 7'),
  })
  const [first, second] = [seen[0]!.newId(), seen[0]!.newId()]
  expect(isUuid(first) && isUuid(second) && first < second).toBe(true)
})

test.each([
  ['nothing', undefined],
  ['a payload instead of an event', { rowId: 'a' }],
  ['a list with a hole', [undefined]],
])('a decision that answers with %s is refused, and nothing is stored', async (_what, decision) => {
  const Row = defineAggregate('Test.Row', {
    events: [Renamed],
    commands: [Rename],
    id: (command) => command.rowId,
    initialState: 0,
    evolve: { 'Test.Row.Updated': (state) => state + 1 },
    decide: { 'Test.Row.Update': () => decision as never },
  })
  const store = memoryStore()
  await using app = await bootstrap({ store, modules: [defineModule('row', [Row])] })
  const error = await app.send(Rename, { rowId: 'a' }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(UsageError)
  expect((error as Error).message).toMatch(/'Test.Row.Update': 'decide' must answer with an event/)
  expect(await store.head()).toBe(0)
})

test('an aggregate cannot record an event that is not among its own', async () => {
  const Row = defineAggregate('Test.Row', {
    events: [Renamed],
    commands: [Rename],
    id: (command) => command.rowId,
    initialState: 0,
    evolve: { 'Test.Row.Updated': (state) => state + 1 },
    decide: { 'Test.Row.Update': () => CounterUpdated({ counterId: 'a', by: 1 }) as never },
  })
  await using app = await bootstrap({
    store: memoryStore(),
    modules: [counterModule, defineModule('row', [Row])],
  })
  await expect(app.send(Rename, { rowId: 'a' })).rejects.toThrow(
    /'Test.Row' cannot record 'Test.Counter.Updated'/,
  )
})

test('an aggregate id that is no text is refused', async () => {
  const app = await startCounter()
  await expect(app.send(UpdateCounter, { counterId: '', by: 1 })).rejects.toMatchObject({
    code: 'TIDINGS_ARGUMENT_INVALID',
  })
})

test('a result that JSON cannot say is refused with its pointer, and nothing is stored', async () => {
  const handler = defineCommandHandler(Rename, async (command, { tx }) => {
    await tx.append({ aggregateType: 'Test.Row', aggregateId: 'a', events: Renamed(command) })
    return { at: new Date() } as never
  })
  const store = memoryStore()
  await using app = await bootstrap({ store, modules: [defineModule('rows', [Renamed, handler])] })
  await expect(app.send(Rename, { rowId: 'a' })).rejects.toMatchObject({
    code: 'TIDINGS_PAYLOAD_NOT_JSON',
    issues: [{ pointer: '/at' }],
  })
  expect(await store.head()).toBe(0)
})

test('an aborted signal ends a command with its reason, and leaves no outcome behind', async () => {
  const store = memoryStore()
  const app = await startCounter({ store })
  const reason = new Error('the caller hung up')
  const options = {
    signal: AbortSignal.abort(reason),
    commandId: '0199e2c4-1111-7111-8111-111111111111',
  }
  await expect(app.send(UpdateCounter, { counterId: 'a', by: 1 }, options)).rejects.toBe(reason)
  expect(await store.commands.find(options.commandId)).toBeUndefined()
  const { commandId } = options
  await expect(
    app.send(UpdateCounter, { counterId: 'a', by: 1 }, { commandId }),
  ).resolves.toMatchObject({
    repeated: false,
  })
})
