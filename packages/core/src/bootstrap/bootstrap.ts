import type { Bus } from '../bus/bus.ts'
import { checkCloseOptions, waitForClose, type CloseOptions } from '../bus/closing.ts'
import type { AnyModule } from '../contract/define-module.ts'
import type { AnyTaskDefinition } from '../contract/definition.ts'
import { createRegistry, type Registry, type RegistryOptions } from '../contract/registry.ts'
import { RegistryError } from '../errors/usage-errors.ts'
import type { Random } from '../internal/backoff.ts'
import { patientClock, systemClock, type Clock } from '../internal/clock.ts'
import { systemIds, type IdSource } from '../internal/ids.ts'
import { defaultConflictPolicy, MessageBus, type ConflictPolicy } from '../messaging/message-bus.ts'
import { compose, type Composition } from '../messaging/routes.ts'
import { createObservations, type Observations } from '../observe/observations.ts'
import { makeRelay, type RelayOptions } from '../delivery/relay.ts'
import { TaskDesk } from '../delivery/task-desk.ts'
import { workerSubscription } from '../delivery/worker-subscription.ts'
import { sensitiveIn } from '../observe/redact.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import type { Publisher } from '../transport/publisher.ts'
import { createAdmin } from '../delivery/admin.ts'
import { Delivery, ownerName, type DeliveryOptions } from '../delivery/delivery.ts'
import type { DeliveryPorts, SendCommand } from '../delivery/delivery-ports.ts'
import { currentFrame } from '../internal/flow.ts'
import { createAppStore, runTransaction, type AppStorePorts } from '../work/app-store.ts'
import { causeOf } from '../work/origin.ts'
import { receiveMessage } from '../work/receive.ts'
import type { App, AppOf } from './app.ts'
import { composeDelivery, type DeliveryComposition } from './compose-delivery.ts'
import { makeBus, type BusOptions } from './create-event-bus.ts'
import type { Failure } from './failure.ts'
import { describeHealth } from './health.ts'
import { Lifecycle } from './lifecycle.ts'
import { prepareSchemas } from './prepare-schemas.ts'
import { ownerOf, reportUnlogged } from './report-failure.ts'
import { createStoreHealth, type StoreHealth } from './store-health.ts'
import { watchStore } from './watch-store.ts'

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
  /** How subscriptions are run here. */
  readonly delivery?: DeliveryOptions
  /** Where a relay sends what has a topic. The application closes it. */
  readonly publisher?: Publisher
  readonly relay?: RelayOptions
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
  const deliveries = composeDelivery(composition)
  const store = await options.store
  try {
    const registry = checkComposition(composition, deliveries, options.verbs)
    await prepareSchemas([...registry.definitions.values()])
    const app = wire(store, { composition, deliveries, registry, options })
    await store.contracts.declare(registry.declared())
    const { run = true } = options.delivery ?? {}
    if (run !== false) app.delivery.start(run === true ? undefined : run)
    return app.app
  } catch (error) {
    // The application owns the store from here on, also when it cannot start.
    await store.close()
    throw error
  }
}

function checkComposition(
  composition: Composition,
  deliveries: DeliveryComposition,
  verbs: RegistryOptions['verbs'],
): Registry {
  const problems = [...composition.problems, ...deliveries.problems]
  try {
    const definitions = new Set([...composition.definitions, ...deliveries.definitions])
    const registry = createRegistry(definitions, {
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
  readonly deliveries: DeliveryComposition
  readonly registry: Registry
  readonly options: Omit<BootstrapOptions<StoreTransaction, readonly AnyModule[]>, 'store'>
}

function wire(
  given: Store,
  { composition, deliveries, registry, options }: Wiring,
): { readonly app: App; readonly delivery: Delivery } {
  const clock = options.clock ?? systemClock
  const ids = options.ids ?? systemIds
  const storeHealth = createStoreHealth(clock)
  const store = watchStore(given, storeHealth, 'caller')
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
    onTimersSet: () => delivery.timersSet(),
    onError: (error) => onFailure({ kind: 'background', error }),
  }
  const messages = new MessageBus(store, {
    ...ports,
    handlers: composition.handlers,
    conflicts: { ...defaultConflictPolicy, ...options.conflicts },
    random: options.random ?? Math.random,
    observations,
  })
  const { delivery, tasks } = wireDelivery(deliveries, options, {
    askedStore: store,
    ports: {
      ...ports,
      environment: { ...ports.environment, clock: patientClock(clock) },
      store: watchStore(given, storeHealth, 'runtime'),
      observations,
      random: options.random ?? Math.random,
      send: (command, input, sendOptions) =>
        messages.send(command, input, sendOptions) as ReturnType<SendCommand>,
    },
  })
  const app = makeApp(store, {
    bus,
    messages,
    ports,
    observations,
    storeHealth,
    delivery,
    tasks,
    publisher: options.publisher,
  })
  return { app, delivery }
}

function wireDelivery(
  { subscriptions, workers }: DeliveryComposition,
  options: Wiring['options'],
  // What is said about tasks, and asked, has somebody who waits for it.
  { ports, askedStore }: { readonly ports: DeliveryPorts; readonly askedStore: Store },
): { readonly delivery: Delivery; readonly tasks: TaskDesk } {
  const store = createAppStore(askedStore, ports)
  const tasks = new TaskDesk(store, definedTasks(ports.registry))
  const owner = options.delivery?.owner ?? ownerName(ports.environment)
  const work = workers.map((worker) =>
    workerSubscription(worker, { ports, store, desk: tasks, owner }),
  )
  const relay = options.publisher === undefined ? [] : [makeRelay(options.publisher, options.relay)]
  const all = [...subscriptions, ...work, ...relay]
  return { delivery: new Delivery(ports, all, { ...options.delivery, owner }), tasks }
}

function definedTasks(registry: Registry): readonly AnyTaskDefinition[] {
  return [...registry.definitions.values()].filter(
    ({ kind }) => kind === 'task',
  ) as AnyTaskDefinition[]
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
  readonly delivery: Delivery
  readonly tasks: TaskDesk
  readonly publisher: Publisher | undefined
}

function makeApp(
  store: Store,
  { bus, messages, ports, observations, storeHealth, delivery, tasks, publisher }: AppParts,
): App {
  const life = new Lifecycle()
  const appStore = createAppStore(store, ports)
  let stopped: Promise<void> | undefined
  const end = async (): Promise<void> => {
    await stopped
    await bus.close()
    await publisher?.close()
    await store.close()
  }
  const close = async (closeOptions: CloseOptions = {}): Promise<void> => {
    checkCloseOptions(closeOptions)
    // From now on: what they handle would otherwise begin more, and what is waited for would never end.
    stopped ??= life.run(() => delivery.stop())
    return waitForClose(life.close(bus, end), closeOptions, {
      clock: ports.environment.clock,
      stillRunning: () => bus.stillRunning(life.running),
      giveUp: (error) => bus.giveUp(error),
      onBackground: ports.onError,
    })
  }
  return {
    send: ((...args: Parameters<MessageBus['send']>) =>
      life.run(() => messages.send(...args))) as App['send'],
    schedule: (...args: Parameters<App['schedule']>) =>
      life.run(() => schedule(store, ports, args)),
    receive: (message, work) => life.run(() => receiveMessage(store, ports, { message, work })),
    cancelTimer: (timerId) =>
      life.run(() => store.transaction((tx) => tx.cancelTimer(timerId.toLowerCase()))),
    bus: bus as App['bus'],
    store: {
      ...appStore,
      append: (...appends) => life.run(() => appStore.append(...appends)),
      transaction: (work, options) => life.run(() => appStore.transaction(work, options)),
    },
    registry: ports.registry,
    observations,
    delivery,
    tasks,
    admin: createAdmin(store, {
      registry: ports.registry,
      onRequested: (subscription) => delivery.requested(subscription),
      clock: ports.environment.clock,
      ids: ports.environment.ids,
    }),
    health: () => describeHealth({ state: life.state, bus, storeHealth, delivery }),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}

function schedule(
  store: Store,
  ports: AppStorePorts,
  [command, input, due]: Parameters<App['schedule']>,
): Promise<string> {
  return runTransaction(store, ports, {
    cause: causeOf(currentFrame(), ports.environment),
    work: async (unit) =>
      unit.setTimer(
        due,
        { command, input },
        due.timerId === undefined ? {} : { timerId: due.timerId },
      ),
  })
}
