import { EventEmitter } from 'node:events'
import { expect, test, vi } from 'vitest'
import { runUntilSignal } from '../../src/bootstrap/run-until-signal.ts'

/** A process that gets signals and exits only on paper. */
function fakeProcess() {
  const signals = new EventEmitter()
  const exit = vi.fn<(code?: number | string | null) => never>(() => undefined as never)
  return {
    process: Object.assign(signals, { exit }) as unknown as Pick<
      NodeJS.Process,
      'on' | 'off' | 'exit'
    >,
    exit,
    send: (signal: NodeJS.Signals) => void signals.emit(signal, signal),
    listeners: () => signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM'),
  }
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s stops requests, then closes the application',
  async (signal) => {
    const host = fakeProcess()
    const steps: string[] = []
    const ended = runUntilSignal(
      { close: async () => void steps.push('close') },
      {
        process: host.process,
        onSignal: (name) => void steps.push(name),
        beforeClose: async () => {
          await Promise.resolve()
          steps.push('stop requests')
        },
      },
    )
    expect(steps).toEqual([])
    host.send(signal)
    await expect(ended).resolves.toBe(signal)
    expect(steps).toEqual([signal, 'stop requests', 'close'])
    expect(host.exit).not.toHaveBeenCalled()
    expect(host.listeners()).toBe(0)
  },
)

test.each([
  ['SIGINT', 'SIGINT', 130],
  ['SIGINT', 'SIGTERM', 143],
] as const)('after %s a %s exits at once with %d', async (first, second, code) => {
  const host = fakeProcess()
  const gate = Promise.withResolvers<void>()
  const ended = runUntilSignal({ close: () => gate.promise }, { process: host.process, echoMs: 0 })
  host.send(first)
  expect(host.exit).not.toHaveBeenCalled()
  host.send(second)
  expect(host.exit.mock.calls).toEqual([[code]])
  gate.resolve()
  await ended
})

test('the echo of a signal, as npm sends it, is no second one', async () => {
  const host = fakeProcess()
  const gate = Promise.withResolvers<void>()
  const ended = runUntilSignal(
    { close: () => gate.promise },
    { process: host.process, echoMs: 60_000 },
  )
  host.send('SIGINT')
  host.send('SIGINT')
  gate.resolve()
  await expect(ended).resolves.toBe('SIGINT')
  expect(host.exit).not.toHaveBeenCalled()
})

test('a close that takes too long is given up with exit code 1', async () => {
  const host = fakeProcess()
  const gate = Promise.withResolvers<void>()
  const ended = runUntilSignal(
    { close: () => gate.promise },
    { process: host.process, timeoutMs: 20 },
  )
  host.send('SIGTERM')
  expect(host.exit).not.toHaveBeenCalled()
  await vi.waitFor(() => expect(host.exit.mock.calls).toEqual([[1]]))
  gate.resolve()
  await ended
})

test('what beforeClose throws is thrown, and no signal is listened to any more', async () => {
  const host = fakeProcess()
  const failure = new Error('the server does not stop')
  const close = vi.fn<() => Promise<void>>()
  const ended = runUntilSignal(
    { close },
    { process: host.process, beforeClose: () => Promise.reject(failure) },
  )
  host.send('SIGINT')
  await expect(ended).rejects.toBe(failure)
  expect(host.listeners()).toBe(0)
})
