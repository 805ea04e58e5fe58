import type { OperationRecord } from 'tidings'
import { expect, test } from 'vitest'
import { describeEnd } from '../src/admin/carry-out.ts'
import type { VerbContext } from '../src/context.ts'
import { loadTexts } from '../src/texts/texts.ts'

const context = {
  t: await loadTexts('en'),
  out: { paint: (_: string, text: string) => text },
} as unknown as VerbContext

function redriveWith(result: OperationRecord['result']): OperationRecord {
  return { kind: 'redrive', subscription: 'mail', state: 'done', result } as OperationRecord
}

test('the end of a redrive names every letter that it moved, those too that a reset overtook', () => {
  const counts = { moved: 6, resolved: 3, parkedAgain: 1, refused: 0 }
  expect(describeEnd(redriveWith({ ...counts, earlier: 2 }), context)).toContain(
    '3 resolved, 1 parked again, 0 refused. 2 were under way when a reset made them history.',
  )
  expect(describeEnd(redriveWith({ ...counts, resolved: 5 }), context)).toMatch(/0 refused\.$/)
})
