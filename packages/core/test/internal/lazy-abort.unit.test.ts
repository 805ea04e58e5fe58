import { expect, test } from 'vitest'
import { LazyAbort } from '../../src/internal/lazy-abort.ts'

test('a signal that was asked for before is aborted, with the reason', () => {
  const abort = new LazyAbort()
  const { signal } = abort
  expect(signal.aborted).toBe(false)
  let calls = 0
  signal.addEventListener('abort', () => void calls++)
  abort.abort('over')
  abort.abort('again')
  expect(calls).toBe(1)
  expect(signal.reason).toBe('over')
})

test('one that is asked for afterwards is aborted from the beginning, with the first reason', () => {
  const abort = new LazyAbort()
  abort.abort('over')
  abort.abort('again')
  expect(abort.signal.aborted).toBe(true)
  expect(abort.signal.reason).toBe('over')
})

test('without a reason it is that of every abort', () => {
  const [before, after] = [new LazyAbort(), new LazyAbort()]
  const { signal } = before
  before.abort()
  after.abort()
  for (const reason of [signal.reason, after.signal.reason] as unknown[])
    expect(reason).toMatchObject({ name: 'AbortError' })
})

test('there is one signal only', () => {
  const abort = new LazyAbort()
  expect(abort.signal).toBe(abort.signal)
})
