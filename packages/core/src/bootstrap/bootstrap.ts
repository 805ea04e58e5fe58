import type { Bus } from '../bus/bus.ts'
import { checkCloseOptions, waitForClose, type CloseOptions } from '../bus/closing.ts'
import type { AnyModule } from '../contract/define-module.ts'
import { createRegistry, type Registry, type RegistryOptions } from '../contract/registry.ts'
import { RegistryError } from '../errors/usage-errors.ts'
import type { Random } from '../internal/backoff.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import { systemIds, type IdSource } from '../internal/ids.ts'
import { defaultConflictPolicy, MessageBus, type ConflictPolicy } from '../messaging/message-bus.ts'
import { compose, type Composition } from '../messaging/routes.ts'
import { createObservations, type Observations } from '../observe/observations.ts'
import { sensitiveIn } from '../observe/redact.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import { createAppStore, type AppStorePorts } from '../work/app-store.ts'
import type { App, AppOf, Health } from './app.ts'
import { makeBus, type BusOptions } from './create-event-bus.ts'
import type { Failure } from './failure.ts'
import { Lifecycle } from './lifecycle.ts'
import { prepareSchemas } from './prepare-schemas.ts'
import { ownerOf, reportUnlogged } from './report-failure.ts'
import { watchStore, type StoreHealth } from './store-health.ts'

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
  readonly bus?: BusOptions
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
  const clock = options.clock ?? systemClock
  const ids = options.ids ?? systemIds
  const observations = createObservations((error) => onFailure({ kind: 'background', error }))
  const sensitiveOf = sensitiveIn(registry)
  const own = options.onFailure ?? reportUnlogged(observations, sensitiveOf)
  const onFailure = ownerOf(own, sensitiveOf)
  const bus = makeBus(options.bus ?? {}, {
    onFailure,
    observations,
    knownTypes: eventTypes(registry),
    clock,
    ids,
    source: options.source,
  })
  const ports: AppStorePorts = {
    environment: {
      clock,
      ids,
      source: options.source,
      maxEventBytes: options.maxEventBytes,
    },
    registry,
    publish: (events) => bus.publishCommitted(events),
    onError: (error) => onFailure({ kind: 'background', error }),
  }
  const messages = new MessageBus(store, {
    ...ports,
    handlers: composition.handlers,
    conflicts: { ...defaultConflictPolicy, ...options.conflicts },
    random: options.random ?? Math.random,
    observations,
  })
  return makeApp(store, { bus, messages, ports, observations, storeHealth: watchStore(clock) })
}

/** Commands are sent, not published. */
function eventTypes(registry: Registry): readonly string[] {
  return [...registry.definitions.values()]
    .filter(({ kind }) => kind !== 'command')
    .map(({ type }) => type)
}

interface AppParts {
  readonly bus: Bus
  readonly messages: MessageBus
  readonly ports: AppStorePorts
  readonly observations: Observations
  readonly storeHealth: StoreHealth
}

function makeApp(store: Store, { bus, messages, ports, observations, storeHealth }: AppParts): App {
  const life = new Lifecycle()
  const appStore = createAppStore(store, ports)
  const run = <Result>(work: () => Promise<Result>): Promise<Result> =>
    life.run(() => storeHealth.watch(work()))
  const end = async (): Promise<void> => {
    await bus.close()
    await store.close()
  }
  const close = async (closeOptions: CloseOptions = {}): Promise<void> => {
    checkCloseOptions(closeOptions)
    return waitForClose(life.close(bus, end), closeOptions, {
      clock: ports.environment.clock,
      stillRunning: () => bus.stillRunning(life.running),
      giveUp: (error) => bus.giveUp(error),
      onBackground: ports.onError,
    })
  }
  return {
    send: ((...args: Parameters<MessageBus['send']>) =>
      run(() => messages.send(...args))) as App['send'],
    bus: bus as App['bus'],
    store: {
      ...appStore,
      append: (...appends) => run(() => appStore.append(...appends)),
      transaction: (work, options) => run(() => appStore.transaction(work, options)),
    },
    registry: ports.registry,
    observations,
    health: () => describeHealth(life.state, bus, storeHealth),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}

function describeHealth(state: Lifecycle['state'], bus: Bus, storeHealth: StoreHealth): Health {
  const reasons = [
    state === 'open' ? undefined : `the application is ${state}`,
    bus.queueFull ? `the queue of the bus is full: ${bus.queueSize} events wait` : undefined,
    state === 'closed' ? undefined : storeHealth.reason(),
  ].filter((reason) => reason !== undefined)
  return { live: state !== 'closed', ready: reasons.length === 0, reasons }
}
