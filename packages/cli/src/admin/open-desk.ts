import type { Admin, Store } from 'tidings'
import type { VerbContext } from '../context.ts'
import { wrongUsage } from '../failure.ts'
import { openForReading } from '../store/open-store.ts'

/** A log, and what can be asked of its subscriptions. */
export interface Desk extends AsyncDisposable {
  readonly store: Store
  readonly admin: Admin
  /** Runs one subscription in this process; undefined where the application is not at hand. */
  readonly start: ((subscription: string) => void) | undefined
}

/** Where the application is, if it is needed. */
export interface DeskOptions {
  readonly run?: boolean
  readonly config?: string | undefined
}

/**
 * Opens the log: that of `--store`, or with `--run` or `--config` that of the application.
 *
 * @throws {Failure} there is no log, or no application
 */
export async function openDesk(context: VerbContext, options: DeskOptions = {}): Promise<Desk> {
  const { run = false, config } = options
  if (!run && config === undefined) return openLog(context)
  if (context.chosenStore !== undefined) throw wrongUsage(context.t('config.two-stores'))
  return openApp(config, context)
}

async function openLog(context: VerbContext): Promise<Desk> {
  const store = await openForReading(context)
  const { createAdmin } = await import('tidings')
  return {
    store,
    admin: createAdmin(store),
    start: undefined,
    [Symbol.asyncDispose]: () => store.close(),
  }
}

async function openApp(file: string | undefined, context: VerbContext): Promise<Desk> {
  const { loadConfig } = await import('./load-config.ts')
  const { bootstrap } = await import('tidings')
  const config = await loadConfig(file, context)
  const store = await config.store
  const app = await bootstrap({ ...config, store, delivery: { ...config.delivery, run: false } })
  return {
    store,
    admin: app.admin,
    start: (subscription) => app.delivery.start([subscription]),
    [Symbol.asyncDispose]: () => app.close(),
  }
}
