import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineAggregate } from '../../src/contract/define-aggregate.ts'
import { defineCommand } from '../../src/contract/define-command.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { newId } from '../../src/internal/ids.ts'
import { defineCommandHandler } from '../../src/messaging/command-handler.ts'
import { openSqlite, stores } from '../support/stores.ts'
import type { Store } from '../../src/store/store.ts'

const fields = z.object({ cartId: z.string(), count: z.number(), eventId: z.string() })
const CartUpdated = defineEvent('Shop.Cart.Updated', { payload: fields })
const UpdateCart = defineCommand('Shop.Cart.Update', { payload: fields })
const OpenCart = defineCommand('Shop.Cart.Open', {
  payload: z.object({ cartId: z.string(), note: z.unknown().optional() }),
})

/** Decides on an event whose id its caller says, so that a second command repeats the append. */
const Cart = defineAggregate('Shop.Cart', {
  events: [CartUpdated],
  commands: [UpdateCart],
  id: (command) => command.cartId,
  initialState: { total: 0 },
  snapshot: { every: 1, version: 1 },
  evolve: { 'Shop.Cart.Updated': (state, { payload }) => ({ total: state.total + payload.count }) },
  decide: { 'Shop.Cart.Update': (command) => CartUpdated(command, { eventId: command.eventId }) },
})

const openCart = defineCommandHandler(OpenCart, async ({ cartId }, { tx, newId: makeId }) => {
  const cart = await tx.load(Cart, cartId)
  if (cart.version > 0) throw new Error('The cart is open.')
  cart.record(CartUpdated({ cartId, count: 1, eventId: makeId() }))
})

/** The same by a handler, in a transaction. */
const RepeatCart = defineCommand('Shop.Cart.Repeat', { payload: fields })
const repeatCart = defineCommandHandler(RepeatCart, async (command, { tx }) => {
  const cart = await tx.load(Cart, command.cartId)
  cart.record(CartUpdated(command, { eventId: command.eventId }))
})

async function start(store: Store) {
  const app = await bootstrap({
    store,
    modules: [defineModule('shop', [Cart, openCart, repeatCart])],
  })
  onTestFinished(() => app.close())
  return app
}

describe.each(stores)('on $kind', ({ open }) => {
  test('events that are in the log already are folded in once, in the answer and in the snapshot', async () => {
    const store = await open()
    const app = await start(store)
    const command = { cartId: 'a', count: 5, eventId: newId() }
    await app.send(UpdateCart, command)
    const second = await app.send(UpdateCart, command)

    expect(second.state).toEqual({ total: 5 })
    expect(await store.snapshots.load('Shop.Cart/a')).toMatchObject({ streamVersion: 1 })
    await app.send(UpdateCart, { cartId: 'a', count: 100, eventId: newId() })
    expect(await app.store.load(Cart, 'a')).toEqual(
      await app.store.load(Cart, 'a', { ignoreSnapshot: true }),
    )
  })

  test('a command whose events are in the log already is kept all the same, and done once', async () => {
    const app = await start(await open())
    const command = { cartId: 'a', count: 5, eventId: newId() }
    await app.send(UpdateCart, command)
    for (const [definition, input] of [
      [UpdateCart, command],
      [RepeatCart, command],
    ] as const) {
      const commandId = newId()
      expect((await app.send(definition, input, { commandId })).repeated).toBe(false)
      expect((await app.send(definition, input, { commandId })).repeated).toBe(true)
    }
  })

  test('a transaction that repeats an append publishes nothing, and keeps no snapshot', async () => {
    const store = await open()
    const app = await start(store)
    const seen: string[] = []
    app.bus.subscribe(CartUpdated, (event) => seen.push(event.eventId))
    const event = CartUpdated({ cartId: 'a', count: 5, eventId: '' }, { eventId: newId() })
    const record = async (): Promise<void> =>
      app.store.transaction(async (tx) => (await tx.load(Cart, 'a')).record(event))
    await record()
    await record()

    expect(seen).toHaveLength(1)
    expect(await store.snapshots.load('Shop.Cart/a')).toMatchObject({ streamVersion: 1 })
  })

  test('of two sends of a command id at the same time, the later one answers with the first outcome', async () => {
    const app = await start(await open())
    const commandId = newId()
    const sent = await Promise.all([
      app.send(OpenCart, { cartId: 'a' }, { commandId }),
      app.send(OpenCart, { cartId: 'a' }, { commandId }),
    ])
    expect(sent.filter(({ repeated }) => repeated)).toHaveLength(1)
    expect(await app.store.head()).toBe(1)
  })

  test('a call of append that is refused leaves nothing in its transaction', async () => {
    const app = await start(await open())
    const good = CartUpdated({ cartId: 'a', count: 1, eventId: '' })
    const bad = CartUpdated({ cartId: 'a', count: 'x' as never, eventId: '' })
    const home = { aggregateType: 'Shop.Cart', aggregateId: 'a' }
    await app.store.transaction(async (tx) => {
      const refused = tx.append({ ...home, events: good }, { ...home, events: bad })
      await expect(refused).rejects.toMatchObject({ code: 'TIDINGS_PAYLOAD_INVALID' })
    })
    expect(await app.store.head()).toBe(0)
  })

  test('a stream that cannot be read yet is no outcome of a command', async () => {
    const store = await open()
    const app = await start(store)
    const Newer = defineEvent('Shop.Cart.Updated', {
      version: 2,
      payload: fields,
      upcast: { 1: (old) => old as never },
    })
    await app.store.append({
      aggregateType: 'Shop.Cart',
      aggregateId: 'a',
      events: Newer({ cartId: 'a', count: 1, eventId: '' }),
    })
    const commandId = newId()
    const sent = app.send(UpdateCart, { cartId: 'a', count: 1, eventId: newId() }, { commandId })
    await expect(sent).rejects.toMatchObject({ code: 'TIDINGS_VERSION_UNKNOWN' })
    expect(await store.commands.find(commandId)).toBeUndefined()
  })

  test('what is committed does not fail because the owner of failures throws', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => written.mockRestore())
    const app = await bootstrap({
      store: await open(),
      modules: [defineModule('shop', [Cart])],
      onFailure: () => {
        throw new Error('The owner fails.')
      },
    })
    onTestFinished(() => app.close())
    app.bus.subscribe(CartUpdated, () => {
      throw new Error('The listener fails.')
    })
    const sent = await app.send(UpdateCart, { cartId: 'a', count: 1, eventId: newId() })
    expect(sent.events).toHaveLength(1)
    const report = written.mock.calls.join('\n')
    expect(report).toContain('The listener fails.')
    expect(report).toContain('The owner fails.')
  })
})

test('a command that is not JSON is refused: two of them would count as one request', async () => {
  const app = await start(openSqlite())
  const sent = app.send(OpenCart, { cartId: 'a', note: new Date(0) })
  await expect(sent).rejects.toMatchObject({
    code: 'TIDINGS_PAYLOAD_NOT_JSON',
    issues: [{ pointer: '/note' }],
  })
})

test('a command is no event: a selector that names one selects nothing', async () => {
  const app = await start(openSqlite())
  expect(() => app.bus.subscribe('Shop.Cart.Open' as never, () => undefined)).toThrow(
    /No event of this application/,
  )
})

test('a temporary table cannot hide one of the store', async () => {
  const store = openSqlite()
  const created = store.transaction((tx) => tx.sql`create temp table event_log (x)`)
  await expect(created).rejects.toMatchObject({ code: 'TIDINGS_ARGUMENT_INVALID' })
  const view = store.transaction((tx) => tx.sql`create temp view commands as select 1`)
  await expect(view).rejects.toMatchObject({ code: 'TIDINGS_ARGUMENT_INVALID' })
  await store.close()
})

test('the initial state, which all aggregates share, cannot be changed', () => {
  expect(Object.isFrozen(Cart.initialState)).toBe(true)
})
