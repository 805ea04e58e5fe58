import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { LinkedAbort } from '../../src/internal/linked-abort.ts'

test('the outer signal aborts it, with its reason', () => {
  const outer = new AbortController()
  const linked = new LinkedAbort(outer.signal)
  outer.abort('over')
  expect(linked.signal).toMatchObject({ aborted: true, reason: 'over' })
  expect(new LinkedAbort(outer.signal).signal.reason).toBe('over')
})

test.each([
  ['abort', (linked: LinkedAbort) => linked.abort('own')],
  ['release', (linked: LinkedAbort) => linked.release()],
])('%s leaves nothing on the outer signal', (_name, end) => {
  const outer = new AbortController()
  const linked = new LinkedAbort(outer.signal)
  expect(getEventListeners(outer.signal, 'abort')).toHaveLength(1)
  end(linked)
  expect(getEventListeners(outer.signal, 'abort')).toHaveLength(0)
  outer.abort('later')
  expect(linked.signal.reason).not.toBe('later')
})
