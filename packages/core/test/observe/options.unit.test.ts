import { expect, test } from 'vitest'
import { createAlerts } from '../../src/observe/alerts.ts'
import { logTo } from '../../src/observe/logging.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import { textLogger } from '../../src/observe/text-logger.ts'
import { createTracer } from '../../src/observe/tracer.ts'
import { isObserved, openObservations } from './facts.ts'

const send = (): void => undefined

test.each<[name: string, attach: (observations: never) => unknown]>([
  ['createStatistics', (app) => createStatistics(app)],
  ['createTracer', (app) => createTracer(app)],
  ['logTo', (app) => logTo(app)],
  ['createAlerts', (app) => createAlerts(app, [{ kind: 'error' }], { send })],
])('%s refuses an application in the place of its observations', (_name, attach) => {
  for (const wrong of [{ observations: openObservations() }, undefined, null]) {
    expect(() => attach(wrong as never)).toThrow(/observations of an application or a bus/)
  }
})

test.each<
  [attach: (observations: ReturnType<typeof openObservations>) => unknown, message: RegExp]
>([
  [(o) => createStatistics(o, { agentOf: 'agentId' as never }), /'agentOf' is a function/],
  [(o) => createStatistics(o, { reportedMsOf: 5 as never }), /'reportedMsOf' is a function; got 5/],
  [(o) => createTracer(o, { sessionOf: 'sessionId' as never }), /'sessionOf' is a function/],
  [(o) => createTracer(o, { sensitiveOf: [] as never }), /'sensitiveOf' is a function/],
  [(o) => logTo(o, textLogger(), { sensitiveOf: [] as never }), /'sensitiveOf' is a function/],
])('%#: an option that cannot be taken is refused, and nothing attached', (attach, message) => {
  const observations = openObservations()
  expect(() => attach(observations)).toThrow(
    expect.objectContaining({
      code: 'TIDINGS_ARGUMENT_INVALID',
      message: expect.stringMatching(message) as string,
    }),
  )
  expect(isObserved(observations)).toBe(false)
})

test('an option that is undefined is one that was left out', async () => {
  const left = undefined as never
  const observations = openObservations()
  using _logging = logTo(observations, textLogger(), { levels: { handled: left } })
  await createAlerts(observations, [{ kind: 'error' }], {
    send,
    onError: left,
    clock: left,
  }).close()
})
