import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** 30 bytes for each of 100,000 times: less than anything that could be forgotten each time. */
const NOISE_BYTES = 3_000_000

async function measure(name: string): Promise<{ count: number; grownBytes: number }> {
  const program = fileURLToPath(new URL('leak-process.ts', import.meta.url))
  const child = fork(program, [name], {
    // Code that is not run for a while is thrown away, at some time: 4.5 MB less would hide as much of a leak.
    execArgv: ['--expose-gc', '--no-flush-bytecode', '--conditions=@tidings/source'],
  })
  const exited = once(child, 'exit')
  const [report] = (await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => {
      throw new Error(`The process ended with ${String(code)} and reported nothing.`)
    }),
  ])) as [{ count: number; grownBytes: number }]
  expect(await exited).toEqual([0, null])
  return report
}

const steady = ['subscribe', 'signal', 'iterators', 'unread', 'waits', 'publishers', 'operators']

test.each([...steady, 'names', 'observed'])('the heap stays flat: %s', async (name) => {
  const { count, grownBytes } = await measure(name)
  expect(count).toBeGreaterThanOrEqual(100_000)
  expect(grownBytes).toBeLessThan(NOISE_BYTES)
})

test('a leak would be seen', async () => {
  expect((await measure('planted')).grownBytes).toBeGreaterThan(10 * NOISE_BYTES)
})
