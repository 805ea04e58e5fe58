import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('300,000 events go through the bus, and nothing stays behind', async () => {
  const program = fileURLToPath(new URL('bus.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@tidings/source',
    '--expose-gc',
    program,
    '--events',
    '300000',
  ])
  expect(stdout).toMatch(
    /^flat: 300000 events .* 75000 published, 75000 queued, 75000 batched, 75000 in windows/m,
  )
})
