import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

async function soak(...args: readonly string[]): Promise<string> {
  const program = fileURLToPath(new URL('run.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@tidings/source',
    '--expose-gc',
    program,
    ...args,
  ])
  return stdout
}

it('300,000 events go through the bus, and nothing stays behind', async () => {
  expect(await soak('bus', '--events', '300000')).toMatch(
    /^flat: 300000 events: 75000 published, 75000 queued, 75000 batched, 75000 in windows/m,
  )
})

it('20,000 events go through subscriptions of which some keys are parked; all are handled once and in order, and nothing stays behind', async () => {
  // How fast is told by the whole run alone: a second on a busy machine shows nothing.
  const said = await soak('delivery', '--events', '20000', '--keys', '200', '--any-rate')
  expect(said).toMatch(/^steady: grouped: 16000 events, .*single: 4000 events, /m)
  expect(said).toMatch(/grouped: .* [1-9]\d* failed once, 795 were parked and redriven/)
  expect(said).toMatch(/single: .* [1-9]\d* failed once, 201 were parked and redriven/)
})

it('three processes append, read and handle on PostgreSQL for 30 seconds; nothing is lost, skipped or doubled', async () => {
  // At leisure: other tests want the machine too.
  const said = await soak('postgres', '--processes', '3', '--seconds', '30', '--pace', '50')
  expect(said).toMatch(
    /^exact: 3 processes: [1-9]\d+ acknowledged events all there, .*; 6 readers skipped nothing; [1-9]\d+ effects each once/m,
  )
})

it('a part that there is not is refused', async () => {
  await expect(soak('bsu')).rejects.toThrow(
    "The parts of the soak are bus, delivery and postgres; got 'bsu'.",
  )
})
