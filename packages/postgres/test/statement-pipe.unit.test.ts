import type pg from 'pg'
import { expect, test, vi } from 'vitest'
import { StatementPipe } from '../src/statement-pipe.ts'

const statement = { name: 'one', text: 'insert into t values ($1)', values: [1] }

type Callback = (error: Error | null, result: { readonly rows: readonly unknown[] }) => void

function makePipe(submit: (callback: Callback) => void) {
  const stream = { cork: vi.fn<() => void>(), uncork: vi.fn<() => void>() }
  const query = (sent: { callback: Callback }): void => submit(sent.callback)
  const pipe = new StatementPipe({ connection: { stream }, query } as unknown as pg.ClientBase)
  return { stream, pipe }
}

test('each statement is answered once, whatever the client does', () => {
  const error = new Error('cannot be sent')
  const ways: ((callback: Callback) => void)[] = [
    (callback) => callback(null, { rows: [] }),
    (callback) => {
      callback(error, { rows: [] })
      callback(null, { rows: [] })
    },
    () => {
      throw error
    },
  ]
  const answers = ways.map((submit) => {
    const onAnswer = vi.fn<(error: Error | undefined) => void>()
    makePipe(submit).pipe.send(statement, onAnswer)
    return onAnswer.mock.calls.map(([failure]) => failure)
  })
  expect(answers).toEqual([[undefined], [error], [error]])
})

test('what is held back goes with the turn, and each 32 at once', async () => {
  const { stream, pipe } = makePipe(() => undefined)
  for (let n = 0; n < 70; n++) pipe.send(statement, () => undefined)
  expect([stream.cork, stream.uncork].map(({ mock }) => mock.calls.length)).toEqual([3, 2])
  await new Promise((resolve) => setImmediate(resolve))
  expect([stream.cork, stream.uncork].map(({ mock }) => mock.calls.length)).toEqual([3, 3])
})
