import type { AppStore } from 'tidings'
import { expect, test } from 'vitest'
import { TodoList } from '../src/listing/todo-list.ts'
import { CreateTodo, TodoCreated } from '../src/todo/contracts.ts'
import { memoryApp, subject, USER } from './support/memory-app.ts'

const created = TodoCreated({ ...subject, title: 'a' })

test('a list that is asked for while another one is read holds what was acknowledged in between', async () => {
  const app = await memoryApp({ given: [created] })
  const gate = Promise.withResolvers<void>()
  const hasRead = Promise.withResolvers<void>()
  // As a database does it: a reading shows the log as it was when it began.
  const store: Pick<AppStore, 'query'> = {
    query: (filter, options) => {
      const asOfNow = app.store.query(filter, options).toArray()
      asOfNow.then(() => hasRead.resolve(), hasRead.reject)
      return {
        async *[Symbol.asyncIterator]() {
          const events = await asOfNow
          await gate.promise
          yield* events
        },
        pages: () => expect.unreachable(),
        toArray: () => expect.unreachable(),
      }
    },
  }
  const list = new TodoList(store)
  const first = list.rows()
  await hasRead.promise
  await app.send(CreateTodo, { todoId: USER, userId: USER, title: 'b' })
  const second = list.rows()
  gate.resolve()
  expect((await first).map(({ title }) => title)).toEqual(['a'])
  expect((await second).map(({ title }) => title)).toEqual(['a', 'b'])
})

test('a list that could not be read can be asked for again', async () => {
  const app = await memoryApp({ given: [created] })
  const failure = new Error('the disk is gone')
  let isBroken = true
  const list = new TodoList({
    query: (filter, options) => {
      if (isBroken) throw failure
      return app.store.query(filter, options)
    },
  })
  await expect(list.rows()).rejects.toBe(failure)
  isBroken = false
  expect(await list.rows()).toHaveLength(1)
})
