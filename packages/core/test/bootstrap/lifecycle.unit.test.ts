import { expect, test } from 'vitest'
import { Lifecycle } from '../../src/bootstrap/lifecycle.ts'
import { runInFrame } from '../../src/internal/flow.ts'

const nothingElse = { busy: false, drain: () => Promise.resolve(), beginClosing: () => undefined }

test('close waits for work under way, and for what that begins', async () => {
  const life = new Lifecycle()
  const order: string[] = []
  const first = Promise.withResolvers<void>()
  void runInFrame({ commandId: 'c' }, () =>
    life.run(async () => {
      await first.promise
      await life.run(async () => void order.push('begun while draining'))
      order.push('first')
    }),
  )
  const closed = life.close(nothingElse, async () => void order.push('end'))
  expect(life.state).toBe('draining')
  first.resolve()
  await closed
  expect(order).toEqual(['begun while draining', 'first', 'end'])
})

test('work from outside is refused once it closes, and any once it is closed', async () => {
  const life = new Lifecycle()
  const closed = life.close(nothingElse, () => Promise.resolve())
  await expect(life.run(() => Promise.resolve())).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
  await closed
  const late = runInFrame({ eventId: 'e' }, () => life.run(() => Promise.resolve()))
  await expect(late).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
})

test('a handler that awaits close does not wait for itself', async () => {
  const life = new Lifecycle()
  const ended: string[] = []
  const end = async (): Promise<void> => void ended.push('end')
  await runInFrame({ eventId: 'e' }, () => life.run(() => life.close(nothingElse, end)))
  await life.close(nothingElse, end)
  expect(ended).toEqual(['end'])
})
