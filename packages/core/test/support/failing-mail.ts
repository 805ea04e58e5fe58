import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import type { AppOf } from '../../src/bootstrap/app.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import type { Store } from '../../src/store/store.ts'

export const MailRequested = defineEvent('Shop.Mail.Requested', {
  payload: z.object({
    to: z.string().min(3),
    lines: z.number().int(),
    code: z.string().default(''),
  }),
  sensitive: ['/code'],
})

export interface MailApp {
  readonly app: AppOf<readonly ReturnType<typeof mailModule>[]>
  /** What was handled, `to:lines`, in order. */
  readonly sent: string[]
  /** Whoever this names cannot be reached. */
  readonly unreachable: Set<string>
  /** Appends a mail for each, in a stream and so under a key of each. */
  readonly ask: (...to: readonly string[]) => Promise<void>
}

function mailModule(handle: (to: string, lines: number) => void) {
  const mail = defineSubscription('mail', {
    events: MailRequested,
    retry: { attempts: 1 },
    outageAfter: 1000,
    handle: ({ payload }) => handle(payload.to, payload.lines),
  })
  return defineModule('shop', [mail])
}

/** An application whose mails fail for some; closed when the test ends. */
export async function startMail(
  store: Store,
  delivery: { readonly run?: boolean; readonly owner?: string } = {},
): Promise<MailApp> {
  const sent: string[] = []
  const unreachable = new Set<string>()
  let lines = 0
  const module = mailModule((to, count) => {
    if (unreachable.has(to)) throw new Error(`${to} does not answer`)
    sent.push(`${to}:${count}`)
  })
  const app = await bootstrap({ store, modules: [module], delivery: { ...delivery, pollMs: 5 } })
  onTestFinished(() => app.close())
  return {
    app,
    sent,
    unreachable,
    async ask(...to) {
      for (const aggregateId of to) {
        const events = MailRequested({ to: aggregateId, lines: ++lines })
        await app.store.append({ aggregateType: 'Shop.Mail', aggregateId, events })
      }
      if (delivery.run !== false) await app.delivery.caughtUp()
    },
  }
}
