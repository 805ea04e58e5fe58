import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)

/** The names of the functions whose code V8 has thrown away since nothing of a shape was left. */
async function thrownAwayWhenQuiet(): Promise<readonly string[]> {
  const program = fileURLToPath(new URL('quiet-process.ts', import.meta.url))
  const { stdout } = await run(process.execPath, [
    '--trace-deopt',
    '--expose-gc',
    '--conditions=@tidings/source',
    program,
  ])
  const [, whenQuiet = ''] = stdout.split('\nquiet\n')
  const lines = whenQuiet.split('\n').filter((line) => line.includes('weak objects cleared'))
  return lines.map((line) => /<SharedFunctionInfo ([^>]+)>/.exec(line)?.[1] ?? '')
}

test('what a publish runs stays compiled when the bus is quiet', async () => {
  const thrownAway = await thrownAwayWhenQuiet()
  // That V8 says it, in the words that are looked for: the shape that nobody keeps is gone.
  expect(thrownAway).toContain('readPlanted')
  const ofThePublish = ['publish', '#deliver', 'enrich', 'DeliveryFrame', 'enterOwn', 'deliver']
  const ofWaiting = ['RunningDelivery', 'join', 'wait', 'onStarted', 'onEnded', 'add', 'remove']
  expect([...ofThePublish, ...ofWaiting].filter((name) => thrownAway.includes(name))).toEqual([])
})
