import { hostname } from 'node:os'
import { RegistryError, UsageError } from '../errors/usage-errors.ts'
import type { SubscriptionStatus } from '../store/subscription-store.ts'
import { isDeadHere } from './dead-owner.ts'
import type { AnySubscription } from './define-subscription.ts'
import type { Environment } from '../work/origin.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { LogTail } from './log-tail.ts'
import { EVERYTHING, makeSelection, selectionProblems } from './selection.ts'
import type { OwnershipOptions } from './owner.ts'
import { readRetention, type RetentionOptions } from './retention.ts'
import { ShardedRunner } from './sharded-runner.ts'
import { SubscriptionRunner } from './subscription-runner.ts'
import { RETENTION, Sweeper } from './sweeper.ts'
import { TimerRunner, TIMERS } from './timer-runner.ts'

/** How an application runs its subscriptions. */
export interface DeliveryOptions {
  /**
   * Whether this process runs them, the timers and the retention; true by default. One that does not still sends
   * commands and appends, and others handle what comes of it. A list of names: these and nothing else.
   */
  readonly run?: boolean | readonly string[]
  /** How long a subscription belongs to a process that says nothing any more; 10 s by default. */
  readonly leaseMs?: number
  /** How long handlers have to end when the application closes; 10 s by default. */
  readonly graceMs?: number
  /** How often it is looked for operations that other processes request; 500 ms by default. */
  readonly pollMs?: number
  /** This process, as others see it; host, process id and a part that is its own by default. */
  readonly owner?: string
  /** How long what is finished is kept. */
  readonly retention?: RetentionOptions
}

/** What a subscription of this process is doing. */
export interface RunningSubscription extends SubscriptionStatus {
  readonly name: string
  /** Everything up to here is handled, skipped or parked; undefined while another process owns it. */
  readonly handledUpTo: number | undefined
}

/** Everything that this process delivers. */
export class Delivery {
  readonly #ports: DeliveryPorts
  readonly #tail: LogTail
  readonly #runners: readonly (SubscriptionRunner | ShardedRunner)[]
  readonly #timers: TimerRunner
  readonly #sweeper: Sweeper

  /** @throws {RegistryError} two of the same name, or one that is about nothing */
  constructor(
    ports: DeliveryPorts,
    subscriptions: readonly AnySubscription[],
    options: DeliveryOptions = {},
  ) {
    refuseProblems(subscriptions, ports)
    this.#ports = ports
    const tail = new LogTail(ports.store)
    this.#tail = tail
    const ownership = readOwnership(ports, options)
    this.#timers = new TimerRunner(ports, ownership)
    this.#sweeper = new Sweeper(ports, {
      ownership,
      retention: readRetention(options.retention),
      subscriptions: subscriptions.map(({ name }) => name),
    })
    this.#runners = subscriptions.map((subscription) => {
      const { readsRaw, events, shards } = subscription.plan
      const selection = readsRaw ? EVERYTHING : makeSelection(events, ports.registry)
      const parts = { subscription, selection, ports, tail, ownership }
      return shards > 1 ? new ShardedRunner(parts) : new SubscriptionRunner(parts)
    })
  }

  /**
   * @param only the names of those to start; all, the timers and the retention, without
   * @throws {UsageError} a name that is none of this application's
   */
  start(only?: readonly string[]): void {
    if (only === undefined) {
      this.#timers.start()
      this.#sweeper.start()
    }
    for (const runner of this.#named(only)) runner.start()
  }

  /** Stops all of them in good order. */
  async stop(): Promise<void> {
    const alone = [this.#timers.stop(), this.#sweeper.stop()]
    await Promise.all([...alone, ...this.#runners.map((runner) => runner.stop())])
    this.#tail.end()
  }

  /** Timers were set in this process. */
  timersSet(): void {
    this.#timers.wake()
  }

  get subscriptions(): readonly RunningSubscription[] {
    return this.#runners.map(({ name, status, handledUpTo }) => ({ name, ...status, handledUpTo }))
  }

  /** An operation was requested in this process: its owner, if it is this one, looks at once. */
  requested(subscription: string): void {
    this.#runners.find(({ name }) => name === subscription)?.poke()
  }

  /**
   * Resolves when everything that is in the log now is handled, skipped or parked by the subscriptions
   * that this process owns. For tests, and for a script that ends when its work is done.
   *
   * @throws the signal's reason; {UsageError} for a name that is none of this application's
   */
  async caughtUp(
    options: { readonly names?: readonly string[]; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const runners = this.#named(options.names)
    const head = await this.#ports.store.head()
    const { clock } = this.#ports.environment
    while (!runners.every(({ handledUpTo }) => handledUpTo !== undefined && handledUpTo >= head)) {
      await clock.sleep(5, { signal: options.signal })
    }
  }

  #named(names: readonly string[] | undefined): readonly (SubscriptionRunner | ShardedRunner)[] {
    if (names === undefined) return this.#runners
    return names.map((name) => {
      const runner = this.#runners.find((one) => one.name === name)
      if (runner !== undefined) return runner
      throw new UsageError(
        'TIDINGS_ARGUMENT_INVALID',
        `This application has no subscription '${name}'. It has ${this.#runners.map((one) => `'${one.name}'`).join(', ') || 'none'}.`,
      )
    })
  }
}

function refuseProblems(
  subscriptions: readonly AnySubscription[],
  { registry }: DeliveryPorts,
): void {
  const taken = new Map([
    [TIMERS, 'the timers are owned under'],
    [RETENTION, 'what is finished is forgotten under'],
  ])
  const names = new Set<string>(taken.keys())
  const problems = subscriptions.flatMap(({ name, plan }) => {
    const found = plan.readsRaw ? [] : [...selectionProblems(name, plan.events, registry)]
    if (names.has(name)) {
      found.push(
        taken.has(name)
          ? `A subscription is named '${name}', which is what ${taken.get(name)}. Rename it.`
          : `Two subscriptions are named '${name}': they would share their progress. Rename one.`,
      )
    }
    names.add(name)
    return found
  })
  if (problems.length > 0) throw new RegistryError(problems)
}

function readOwnership(
  { environment }: DeliveryPorts,
  { leaseMs = 10_000, graceMs = 10_000, pollMs = 500, owner }: DeliveryOptions,
): OwnershipOptions {
  for (const [option, value, least] of [
    ['leaseMs', leaseMs, 100],
    ['graceMs', graceMs, 0],
    ['pollMs', pollMs, 1],
  ] as const) {
    if (Number.isFinite(value) && value >= least) continue
    throw new UsageError(
      'TIDINGS_ARGUMENT_INVALID',
      `delivery.${option} is a number of milliseconds from ${least} up; got ${value}.`,
    )
  }
  return {
    owner: owner ?? ownerName(environment),
    isDead: isDeadHere,
    leaseMs,
    graceMs,
    pollMs,
  }
}

/** A name that tells this process from every other, and says on which machine it is to be found. */
export function ownerName({ ids, clock }: Pick<Environment, 'ids' | 'clock'>): string {
  return `${hostname()}:${process.pid}:${ids.newId(clock.now()).slice(-12)}`
}
