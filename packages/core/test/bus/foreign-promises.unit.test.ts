import { describe, expect, test, vi } from 'vitest'
import { route } from '../../src/bus/operators/route.ts'
import { ofType, openBus } from '../support/open-bus.ts'
import { settle } from '../support/fake-clock.ts'

/** Settles twice, by an own `then`. */
class TwicePromise<Value> extends Promise<Value> {
  // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
  override then<A = Value, B = never>(
    onDone?: ((value: Value) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    void super.then(onDone, onFailed)
    return super.then(onDone, onFailed)
  }
}

class ThrowingPromise<Value> extends Promise<Value> {
  // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
  override then(): never {
    throw new Error('no then')
  }
}

describe('a handler that answers with a subclass of Promise', () => {
  test('that settles twice: a drain waits for the others all the same', async () => {
    const { bus } = openBus()
    const held = Promise.withResolvers<void>()
    const drained = vi.fn<() => void>()
    bus.subscribe('A.Held', () => held.promise)
    bus.subscribe('A.Twice', () => new TwicePromise<void>((resolve) => resolve()))
    void bus.publish(ofType('A.Held'))
    await bus.publish(ofType('A.Twice'))
    const draining = bus.drain().then(drained)
    await settle()
    expect(drained).not.toHaveBeenCalled()
    held.resolve()
    await draining
  })

  test('whose then throws: it has failed, and the bus can be closed', async () => {
    const { bus } = openBus()
    bus.subscribe('A.B', () => new ThrowingPromise(() => undefined))
    const { outcomes } = await bus.publish(ofType('A.B'))
    expect(outcomes).toMatchObject([{ failed: true, error: new Error('no then') }])
    await bus.close()
  })
})

describe('a row of handlers on a route, of which the first answers with a foreign thenable', () => {
  test('that calls back twice: the next one is called once', async () => {
    const { bus } = openBus()
    const next = vi.fn<() => void>()
    // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
    const twice = { then: (resolve: () => void) => (resolve(), resolve()) }
    bus.subscribe('A.B', route({ 'A.B': [() => twice, next] }, { missing: 'fail' }))
    await bus.publish(ofType('A.B'))
    expect(next).toHaveBeenCalledOnce()
  })

  test('whose then answers nothing: the publish waits for the row, and has its error', async () => {
    const { bus } = openBus()
    // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
    const plain = { then: (resolve: () => void) => void setImmediate(resolve) }
    const fails = (): never => {
      throw new Error('from the second')
    }
    bus.subscribe('A.B', route({ 'A.B': [() => plain, fails] }, { missing: 'fail' }))
    const { outcomes } = await bus.publish(ofType('A.B'))
    expect(outcomes).toMatchObject([{ failed: true, error: new Error('from the second') }])
  })
})
