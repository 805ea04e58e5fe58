import { bootstrap, type AppOf, type Publisher, type SqlTransaction, type Store } from 'tidings'
import { createView, viewModule } from './allocations-view.ts'
import type { MailPort } from './mail.ts'
import { stockModule } from './stock/module.ts'

type Modules = readonly [ReturnType<typeof stockModule>, typeof viewModule]

/** The application, under a name that an editor can show. */
export interface AllocationApp extends AppOf<Modules, SqlTransaction> {}

export interface AllocationOptions {
  readonly store: Store<SqlTransaction> | Promise<Store<SqlTransaction>>
  readonly mail: MailPort
  /** Where what has a topic goes; nowhere by default. */
  readonly publisher?: Publisher
  /** Before the subscriptions begin. */
  readonly beforeStart?: (app: AllocationApp) => void
}

/** The composition root. Tests give it fakes. */
export async function startApp(options: AllocationOptions): Promise<AllocationApp> {
  const { store, mail, publisher } = options
  const app: AllocationApp = await bootstrap({
    store,
    modules: [stockModule(mail), viewModule],
    source: 'examples/allocation',
    verbs: ['Deallocated'],
    ...(publisher === undefined ? {} : { publisher }),
    // The view's table comes first.
    delivery: { run: false },
  })
  try {
    await createView(app.store)
    options.beforeStart?.(app)
    app.delivery.start()
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}
