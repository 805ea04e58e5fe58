import { expect, test } from 'vitest'

import { sqlite } from '../../src/sqlite.ts'
import { append, scratch } from './log-fixture.ts'

// The code that writes is loaded by the first write of a process, which takes longer than the turn
// that a close gives to what is on its way. So this test is alone in its file: a second write of the
// same process would show nothing.
test('the first append of a process is waited for by a close right after it', async () => {
  const folder = scratch()
  const file = folder.path('log.db')
  const closing = sqlite(file)
  await closing.open()
  const appending = closing.append([append('A/1', 0)])
  await closing.close()
  expect(await appending).toMatchObject([{ version: 1 }])
  const again = sqlite(file)
  expect(await again.head()).toBe(1)
  await again.close()
  folder.remove()
})
