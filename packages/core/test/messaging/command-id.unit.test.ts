import { describe, expect, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import {
  CommandIdConflictError,
  ConcurrencyError,
  StoreError,
} from '../../src/errors/store-errors.ts'
import { newId } from '../../src/internal/ids.ts'
import { defineCommandHandler } from '../../src/messaging/command-handler.ts'
import { RecordedCommandError } from '../../src/messaging/recorded-error.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { CounterUpdated, LIMIT, LimitError, UpdateCounter } from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { stores, withOverrides } from '../support/stores.ts'

const add = (by: number) => ({ counterId: 'a', by })

describe.each(stores)('on $kind', ({ open }) => {
  test('a second send answers with the first outcome, and does nothing', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const commandId = newId()
    const first = await app.send(UpdateCounter, add(5), { commandId })
    await app.send(UpdateCounter, add(1))
    const second = await app.send(UpdateCounter, add(5), { commandId: commandId.toUpperCase() })

    expect(first.repeated).toBe(false)
    // The state as it was after the first send, though the counter has moved on.
    expect(second).toEqual({ ...first, repeated: true })
    expect(await store.head()).toBe(2)
  })

  test('a second send of a failed one fails alike, with the code and the facts of the first', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const commandId = newId()
    const first = await app
      .send(UpdateCounter, add(LIMIT + 1), { commandId })
      .catch((error: unknown) => error)
    expect(first).toBeInstanceOf(LimitError)

    const second = await app
      .send(UpdateCounter, add(LIMIT + 1), { commandId })
      .catch((error: unknown) => error)
    expect(second).toBeInstanceOf(RecordedCommandError)
    expect(second).toMatchObject({
      name: 'LimitError',
      message: (first as Error).message,
      code: 'LIMIT',
      limit: LIMIT,
      repeated: true,
    })
    expect(await store.commands.find(commandId)).toMatchObject({ outcome: 'failed' })
  })

  test('another request under the same id is refused, whatever the order of its fields', async () => {
    const app = await startCounter({ store: await open() })
    const commandId = newId()
    await app.send(UpdateCounter, { counterId: 'a', by: 5 }, { commandId })
    const other = app.send(UpdateCounter, add(6), { commandId })
    await expect(other).rejects.toBeInstanceOf(CommandIdConflictError)
    await expect(other).rejects.toMatchObject({ commandId, type: 'Test.Counter.Update' })
    const reordered = app.send(UpdateCounter, { by: 5, counterId: 'a' }, { commandId })
    await expect(reordered).resolves.toMatchObject({ repeated: true })
  })

  test('concurrent sends of one id have one effect and one outcome', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const commandId = newId()
    const sends = Array.from({ length: 16 }, () => app.send(UpdateCounter, add(5), { commandId }))
    const outcomes = await Promise.all(sends)

    expect(await store.head()).toBe(1)
    expect(outcomes.filter(({ repeated }) => !repeated)).toHaveLength(1)
    for (const { state, position } of outcomes) {
      expect({ state, position }).toEqual({ state: { total: 5 }, position: 1 })
    }
  })

  test('the result of a handler is repeated, and its rows and events are not', async () => {
    let calls = 0
    const handler = defineCommandHandler(UpdateCounter, async (command, { tx }) => {
      await tx.append({
        aggregateType: 'Test.Counter',
        aggregateId: 'a',
        events: CounterUpdated(command),
      })
      return { call: ++calls }
    })
    const store = await open()
    await using app = await bootstrap({
      store,
      modules: [defineModule('handler', [CounterUpdated, handler])],
    })
    const commandId = newId()
    const first = await app.send(UpdateCounter, add(1), { commandId })
    const second = await app.send(UpdateCounter, add(1), { commandId })
    expect(second).toEqual({ ...first, repeated: true })
    expect([calls, await store.head()]).toEqual([1, 1])
  })

  test('an outcome survives a new application on the same log', async () => {
    const inner = await open()
    const store = withOverrides(inner, { close: async () => undefined })
    const commandId = newId()
    const before = await startCounter({ store })
    const first = await before.send(UpdateCounter, add(5), { commandId })
    await before.close()
    const after = await startCounter({ store })
    expect(await after.send(UpdateCounter, add(5), { commandId })).toEqual({
      ...first,
      repeated: true,
    })
    await inner.close()
  })
})

test('a command id that is no UUID is refused', async () => {
  const app = await startCounter()
  await expect(app.send(UpdateCounter, add(1), { commandId: 'seven' })).rejects.toThrow(
    /commandId must be a UUID, got "seven"/,
  )
})

test.each([
  ['a store in trouble', () => new StoreError('TIDINGS_STORE_FULL', 'memory:', 'full')],
  ['a conflict', () => new ConcurrencyError('Test.Counter/a', 0, 1)],
])('%s is no outcome: a repeat tries again', async (_what, failure) => {
  const inner = memoryStore()
  let isBroken = true
  const store = withOverrides(inner, {
    append: (...args) => (isBroken ? Promise.reject(failure()) : inner.append(...args)),
  })
  const app = await startCounter({ store, conflicts: { retries: 0 } })
  const commandId = newId()
  await expect(app.send(UpdateCounter, add(1), { commandId })).rejects.toMatchObject({
    code: failure().code,
  })
  isBroken = false
  await expect(app.send(UpdateCounter, add(1), { commandId })).resolves.toMatchObject({
    repeated: false,
    state: { total: 1 },
  })
})

test('an outcome that cannot be recorded leaves the caller its own error, and goes to the owner', async () => {
  const inner = memoryStore()
  const trouble = new Error('the disk is full')
  const record = () => Promise.reject(trouble)
  const commands = { ...inner.commands, record }
  const store = withOverrides(inner, { commands })
  const failures: unknown[] = []
  const app = await startCounter({ store, onFailure: (failure) => failures.push(failure) })
  await expect(app.send(UpdateCounter, add(LIMIT + 1))).rejects.toBeInstanceOf(LimitError)
  expect(failures).toEqual([{ kind: 'background', error: trouble }])
})
