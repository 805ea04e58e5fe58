import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { defineCommand } from '../../src/contract/define-command.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineCommandHandler } from '../../src/messaging/command-handler.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import { logTo } from '../../src/observe/logging.ts'
import { textLogger } from '../../src/observe/text-logger.ts'
import { createTracer } from '../../src/observe/tracer.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'

const SECRETS = ['4111-2222', 'ada@example.com']
const payload = z.object({ number: z.string(), contact: z.object({ mail: z.string() }) })
const sensitive = ['number', '/contact/mail'] as const
const AddCard = defineCommand('Test.Card.Add', { payload, sensitive })
const CardAdded = defineEvent('Test.Card.Added', { payload, sensitive })
const card = { number: SECRETS[0]!, contact: { mail: SECRETS[1]! } }

/** Quotes what it was given: in its message, as JSON, in its cause and in its code. */
class QuotingError extends Error {
  readonly code: string
  constructor(given: typeof card) {
    super(`no card ${given.number}: ${JSON.stringify(given)}`, {
      cause: new Error(`mail to ${given.contact.mail}`),
    })
    this.code = `CARD_${given.number}`
  }
}

function expectNoSecret(text: string): void {
  expect(text).toContain('[sensitive]')
  for (const secret of SECRETS) expect(text).not.toContain(secret)
}

afterEach(() => {
  vi.restoreAllMocks()
})

test('a failed command’s sensitive fields reach neither log, trace nor alert; its caller gets the error', async () => {
  const handler = defineCommandHandler(AddCard, (given) => Promise.reject(new QuotingError(given)))
  await using app = await bootstrap({
    store: memoryStore(),
    modules: [defineModule('cards', [CardAdded, handler])],
  })
  const written: string[] = []
  const sent: unknown[] = []
  const log = textLogger({ write: (text) => void written.push(text) })
  using _logging = logTo(app.observations, log, { levels: { commandFailed: 'error' } })
  using tracer = createTracer(app.observations)
  const alerts = createAlerts(app.observations, [{ kind: 'error' }], {
    send: (alert) => void sent.push(alert),
  })
  const facts: unknown[] = []
  app.observations.command.observe(({ error: _error, ...fact }) => void facts.push(fact))

  const correlationId = '0199e2c4-1111-7111-8111-111111111111'
  const sending = app.send(AddCard, card, { correlationId })
  await expect(sending).rejects.toThrow(SECRETS[0]!)
  await alerts.close()

  expectNoSecret(written.join(''))
  expectNoSecret(JSON.stringify(sent))
  expectNoSecret(JSON.stringify(tracer.byCorrelation(correlationId)))
  expect(facts).toHaveLength(1)
  for (const secret of SECRETS) expect(JSON.stringify(facts)).not.toContain(secret)
})

test('nor does a failed handler’s error reach standard error by the default owner of failures', async () => {
  const written: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text))
    return true
  })
  await using app = await bootstrap({
    store: memoryStore(),
    modules: [defineModule('cards', [CardAdded])],
  })
  await using alone = createEventBus({ events: [CardAdded] })
  for (const bus of [app.bus, alone]) {
    bus.subscribe(CardAdded, (event) => {
      throw new QuotingError(event.payload)
    })
    await bus.publish(CardAdded(card))
  }
  expect(written).toHaveLength(2)
  for (const text of written) expectNoSecret(text)
})
