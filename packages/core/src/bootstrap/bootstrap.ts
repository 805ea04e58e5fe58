import { ListenerBus } from '../bus/event-bus.ts'
import type { AnyModule } from '../contract/define-module.ts'
import { createRegistry, type Registry, type RegistryOptions } from '../contract/registry.ts'
import { RegistryError } from '../errors/usage-errors.ts'
import type { Random } from '../internal/backoff.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import { systemIds, type IdSource } from '../internal/ids.ts'
import { defaultConflictPolicy, MessageBus, type ConflictPolicy } from '../messaging/message-bus.ts'
import { compose, type Composition } from '../messaging/routes.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import { createAppStore, type AppStorePorts } from '../work/app-store.ts'
import type { App, AppOf } from './app.ts'
import type { Failure } from './failure.ts'
import { Lifecycle } from './lifecycle.ts'
import { prepareSchemas } from './prepare-schemas.ts'
import { reportFailure } from './report-failure.ts'

export interface BootstrapOptions<
  Tx extends StoreTransaction,
  Modules extends readonly AnyModule[],
> {
  /** The log. The application closes it. */
  readonly store: Store<Tx> | Promise<Store<Tx>>
  readonly modules: Modules
  /** `metadata.source` of every event that this application records. */
  readonly source?: string
  /** How often a command is decided again after another writer was first: 3 times by default. */
  readonly conflicts?: Partial<ConflictPolicy>
  /** Bytes of payload and metadata; 900,000 by default. */
  readonly maxEventBytes?: number
  /** Verbs beside the vocabulary's own. */
  readonly verbs?: RegistryOptions['verbs']
  /** Owns failures that no caller waits for; written to standard error by default. */
  readonly onFailure?: (failure: Failure) => void
  /** For tests. */
  readonly clock?: Clock
  readonly ids?: IdSource
  readonly random?: Random
}

/** The transaction that the handlers of some modules ask for. */
type NeededTx<Modules extends readonly AnyModule[]> = (
  Modules[number] extends infer M
    ? M extends { readonly '~tx': infer Tx }
      ? (tx: Tx) => void
      : never
    : never
) extends (tx: infer All) => void
  ? All
  : unknown

/**
 * The one composition root: checks that the modules fit together, wires them to a store, and answers
 * with an application that is ready.
 *
 * @throws {RegistryError} with every problem of the definitions at once: names, versions, topics,
 *   commands without a handler or with two
 */
export async function bootstrap<
  Tx extends NeededTx<Modules> & StoreTransaction,
  const Modules extends readonly AnyModule[],
>(options: BootstrapOptions<Tx, Modules>): Promise<AppOf<Modules, Tx>> {
  const composition = compose(options.modules)
  const store = await options.store
  try {
    const registry = checkComposition(composition, options.verbs)
    await prepareSchemas(composition.definitions)
    await store.contracts.declare(registry.declared())
    return wire(store, { composition, registry, options })
  } catch (error) {
    // The application owns the store from here on, also when it cannot start.
    await store.close()
    throw error
  }
}

function checkComposition(composition: Composition, verbs: RegistryOptions['verbs']): Registry {
  const problems = [...composition.problems]
  try {
    const registry = createRegistry(composition.definitions, {
      verbs,
      aggregates: composition.aggregates,
    })
    if (problems.length === 0) return registry
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    problems.push(...error.problems)
  }
  throw new RegistryError(problems)
}

interface Wiring {
  readonly composition: Composition
  readonly registry: Registry
  readonly options: Omit<BootstrapOptions<StoreTransaction, readonly AnyModule[]>, 'store'>
}

function wire(store: Store, { composition, registry, options }: Wiring): App {
  const onFailure = ownerOf(options.onFailure)
  const bus = new ListenerBus({
    knownTypes: () => registry.expand('**'),
    onFailure: (failure) => onFailure({ kind: 'listener', ...failure }),
  })
  const ports: AppStorePorts = {
    environment: {
      clock: options.clock ?? systemClock,
      ids: options.ids ?? systemIds,
      source: options.source,
      maxEventBytes: options.maxEventBytes,
    },
    registry,
    publish: (events) => bus.deliver(events),
    onError: (error) => onFailure({ kind: 'background', error }),
  }
  const messages = new MessageBus(store, {
    ...ports,
    handlers: composition.handlers,
    conflicts: { ...defaultConflictPolicy, ...options.conflicts },
    random: options.random ?? Math.random,
  })
  return makeApp(store, { bus, messages, ports })
}

/** What is committed must not seem to have failed because the owner of failures threw. */
function ownerOf(own: (failure: Failure) => void = reportFailure): (failure: Failure) => void {
  return (failure) => {
    try {
      own(failure)
    } catch (error) {
      reportFailure(failure)
      reportFailure({ kind: 'background', error })
    }
  }
}

interface AppParts {
  readonly bus: ListenerBus
  readonly messages: MessageBus
  readonly ports: AppStorePorts
}

function makeApp(store: Store, { bus, messages, ports }: AppParts): App {
  const life = new Lifecycle()
  const appStore = createAppStore(store, ports)
  const send = (...args: Parameters<MessageBus['send']>): Promise<unknown> =>
    life.run(() => messages.send(...args))
  const close = (): Promise<void> =>
    life.close(bus, async () => {
      bus.close()
      await store.close()
    })
  return {
    send: send as App['send'],
    bus: bus as App['bus'],
    store: {
      ...appStore,
      append: (...appends) => life.run(() => appStore.append(...appends)),
      transaction: (work, options) => life.run(() => appStore.transaction(work, options)),
    },
    registry: ports.registry,
    health: () => ({
      ready: life.state === 'open',
      reason: life.state === 'open' ? undefined : `the application is ${life.state}`,
    }),
    close,
    [Symbol.asyncDispose]: close,
  }
}
