import type { AnyAggregate, Sent } from '../contract/define-aggregate.ts'
import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import { CommandIdConflictError, ConcurrencyError } from '../errors/store-errors.ts'
import { isRetryable, isTidingsError } from '../errors/tidings-error.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { backoffMs, type Random } from '../internal/backoff.ts'
import { currentFrame, runInFrame, type Frame } from '../internal/flow.ts'
import type { Observations } from '../observe/observations.ts'
import { redactText } from '../observe/redact.ts'
import type { CommandRecord } from '../store/command-record.ts'
import type { Store } from '../store/store.ts'
import { AggregateRoot } from '../work/aggregate-root.ts'
import { keepSnapshots, runTransaction, type AppStorePorts } from '../work/app-store.ts'
import { dueSnapshot, loadState, type AggregateSource } from '../work/repository.ts'
import { readBack, toStoredEvents } from '../work/stored-events.ts'
import type { AnyCommandHandler, CommandContext } from './command-handler.ts'
import { fromErrorJson, toErrorJson } from './recorded-error.ts'
import {
  causeFrom,
  decideContextFrom,
  frameFrom,
  makeRequest,
  toCommandRecord,
  toDrafts,
  toResultJson,
  toSent,
  type Request,
  type SendOptions,
} from './request.ts'
import type { Handler } from './routes.ts'

/** How often a command is decided again after another writer was first. */
export interface ConflictPolicy {
  /** Attempts after the first one; 3 by default, 0 for none. */
  readonly retries: number
  /** Milliseconds before the first retry, doubled for each further one and lengthened by up to a half. */
  readonly delayMs: number
}

export const defaultConflictPolicy: ConflictPolicy = { retries: 3, delayMs: 5 }
const MAX_DELAY_MS = 1_000

export interface MessageBusPorts extends AppStorePorts {
  readonly handlers: ReadonlyMap<string, Handler>
  readonly conflicts: ConflictPolicy
  readonly random: Random
  readonly observations: Pick<Observations, 'command'>
}

type AnySent = Sent<unknown, StoredEnvelope, unknown>

/** Routes a command to its one handler, and keeps its outcome. */
export class MessageBus {
  readonly #store: Store
  readonly #ports: MessageBusPorts
  readonly #source: AggregateSource

  constructor(store: Store, ports: MessageBusPorts) {
    this.#store = store
    this.#ports = ports
    this.#source = {
      readStream: store.readStream.bind(store),
      loadSnapshot: (stream) => store.snapshots.load(stream),
      removed: (stream) => store.retention.removed(stream),
    }
  }

  /**
   * Handles a command as an effect of the code that calls.
   *
   * @throws whatever the handler throws, as it is
   */
  send(
    definition: AnyCommandDefinition,
    input: unknown,
    options: SendOptions = {},
  ): Promise<AnySent> {
    // Read before anything is waited for: a queue that flushes later is in somebody else's frame.
    return this.#send(definition, input, { options, frame: currentFrame() })
  }

  async #send(
    definition: AnyCommandDefinition,
    input: unknown,
    from: { readonly options: SendOptions; readonly frame: Frame | undefined },
  ): Promise<AnySent> {
    const handler = this.#requireHandler(definition)
    from.options.signal?.throwIfAborted()
    const request = makeRequest(definition, input, {
      ...from,
      handler,
      environment: this.#ports.environment,
    })
    const handled = this.#handleOnce(request, handler, from)
    return this.#ports.observations.command.active ? this.#observe(request, handled) : handled
  }

  async #observe(request: Request, handled: Promise<AnySent>): Promise<AnySent> {
    const startMs = performance.now()
    const { definition } = request
    const redact = (text: string): string => redactText(text, request, definition.sensitive)
    const end = (failed: boolean, error: unknown): void =>
      this.#ports.observations.command.emit({
        type: definition.type,
        commandId: request.commandId,
        correlationId: request.correlationId,
        durationMs: performance.now() - startMs,
        failed,
        error,
        redact,
      })
    try {
      const sent = await handled
      end(false, undefined)
      return sent
    } catch (error) {
      end(true, error)
      throw error
    }
  }

  async #handleOnce(
    request: Request,
    handler: Handler,
    from: { readonly options: SendOptions; readonly frame: Frame | undefined },
  ): Promise<AnySent> {
    if (from.options.commandId !== undefined) {
      const earlier = await this.#earlierOutcome(request, handler)
      if (earlier !== undefined) return earlier
    }
    try {
      return await runInFrame(frameFrom(request, from.frame), () =>
        this.#handleWithRetries(request, handler),
      )
    } catch (error) {
      if (from.options.commandId !== undefined && request.signal?.aborted !== true) {
        // One that ran at the same time may have been first; its commit can be what this one failed of.
        const first = await this.#findRecorded(request)
        if (first !== undefined) return this.#answerAgain(first, request, handler)
      }
      await this.#recordFailure(request, error)
      throw error
    }
  }

  #requireHandler(definition: AnyCommandDefinition): Handler {
    const handler = this.#ports.handlers.get(definition.type)
    if (handler !== undefined) return handler
    throw new UsageError(
      'TIDINGS_COMMAND_UNHANDLED',
      `No module of this application handles '${definition.type}'. Add the module that does to 'modules' of bootstrap.`,
    )
  }

  async #handleWithRetries(request: Request, handler: Handler): Promise<AnySent> {
    const { conflicts, random, environment } = this.#ports
    let ignoreSnapshot = false
    for (let attempt = 1; ; attempt++) {
      try {
        return handler.kind === 'aggregate'
          ? await this.#decide(request, handler, {
              ignoreSnapshot,
              trustEmpty: attempt === 1 && conflicts.retries > 0,
            })
          : await this.#handle(request, handler)
      } catch (error) {
        if (!(error instanceof ConcurrencyError) || attempt > conflicts.retries) throw error
        // A log restored from a backup can be behind its snapshots: then only the events tell the state.
        ignoreSnapshot = typeof error.expected === 'number' && error.actual < error.expected
        const delayMs = backoffMs(attempt, {
          baseMs: conflicts.delayMs,
          maxMs: MAX_DELAY_MS,
          random,
        })
        await environment.clock.sleep(delayMs, { signal: request.signal })
      }
    }
  }

  async #decide(
    request: Request,
    aggregate: AnyAggregate,
    options: { readonly ignoreSnapshot: boolean; readonly trustEmpty: boolean },
  ): Promise<AnySent> {
    const { environment, registry } = this.#ports
    const id = request.aggregateId!
    const loaded = await loadState(this.#source, registry, aggregate, { id, ...options })
    const root = new AggregateRoot(aggregate, id, {
      ...loaded,
      environment,
      cause: causeFrom(request),
    })
    const decide = aggregate.decide[request.definition.type] as (
      ...args: readonly unknown[]
    ) => unknown
    root.record(
      ...toDrafts(
        request,
        decide(request.payload, root.state, decideContextFrom(request, environment)),
      ),
    )
    request.signal?.throwIfAborted()
    return this.#commit(request, root)
  }

  /** One append with the command's row: it shares its transaction with other commands of the moment. */
  async #commit(request: Request, root: AggregateRoot): Promise<AnySent> {
    const appends =
      root.recorded.length === 0
        ? []
        : [{ stream: root.stream, expectedVersion: root.loadedVersion, events: root.recorded }]
    const command = toCommandRecord(request, 'done', { streamVersion: root.version })
    const results = await this.#store.append(appends, { command })
    const [result] = results
    if (result?.repeated === true) {
      const events = (await readBack(this.#store, results)).map(this.#ports.registry.read)
      // Its command was left out, but this one is new: without a row it would be decided again.
      await this.#store.commands.record(command)
      // The state of the root holds these events twice: from the log, and as decided now.
      const options = { id: root.id, to: result.version }
      const { state } = await loadState(this.#source, this.#ports.registry, root.aggregate, options)
      return toSent(request, { events, state, result: undefined })
    }
    const events = toStoredEvents(appends, results)
    this.#ports.publish(events)
    await keepSnapshots(this.#store, this.#ports, () => [dueSnapshot(root)])
    return toSent(request, { events, state: root.state, result: undefined })
  }

  async #handle(request: Request, handler: AnyCommandHandler): Promise<AnySent> {
    const handle = handler.handle as (command: unknown, ctx: CommandContext) => Promise<unknown>
    let events: StoredEnvelope[] = []
    const result = await runTransaction(this.#store, this.#ports, {
      cause: causeFrom(request),
      signal: request.signal,
      work: (tx) => {
        const context = decideContextFrom(request, this.#ports.environment)
        return handle(request.payload, {
          ...context,
          tx,
          after: (delay, command, input, options) =>
            tx.setTimer({ after: delay }, { command, input }, options),
          at: (time, command, input, options) =>
            tx.setTimer({ at: time }, { command, input }, options),
          cancelTimer: (timerId) => tx.cancelTimer(timerId),
          signal: request.signal,
        })
      },
      finish: async (unit, answer) => {
        events = await unit.flush(
          toCommandRecord(request, 'done', { result: toResultJson(request, answer) }),
        )
        return events
      },
    })
    return toSent(request, { events, state: undefined, result })
  }

  /** The outcome of the first send of this command id, if there was one. */
  async #earlierOutcome(request: Request, handler: Handler): Promise<AnySent | undefined> {
    const record = await this.#store.commands.find(request.commandId)
    return record && this.#answerAgain(record, request, handler)
  }

  /** Looks after a failure, which a failed look must not hide. */
  async #findRecorded(request: Request): Promise<CommandRecord | undefined> {
    try {
      return await this.#store.commands.find(request.commandId)
    } catch (error) {
      this.#ports.onError(error)
      return undefined
    }
  }

  /** @throws what the first send threw, or {CommandIdConflictError} */
  async #answerAgain(record: CommandRecord, request: Request, handler: Handler): Promise<AnySent> {
    if (record.requestHash !== request.requestHash || record.type !== request.definition.type) {
      throw new CommandIdConflictError(request.commandId, request.definition.type)
    }
    if (record.outcome === 'failed') throw fromErrorJson(record.result)
    return {
      events: await this.#eventsOf(record),
      state:
        handler.kind === 'aggregate' ? await this.#stateAfter(record, handler, request) : undefined,
      result: record.result === undefined ? undefined : (JSON.parse(record.result) as unknown),
      position: record.lastPosition,
      commandId: record.commandId,
      correlationId: record.correlationId,
      repeated: true,
    }
  }

  async #eventsOf(record: CommandRecord): Promise<StoredEnvelope[]> {
    if (record.firstPosition === undefined || record.lastPosition === undefined) return []
    const events: StoredEnvelope[] = []
    for await (const event of this.#store.readAll({ after: record.firstPosition - 1 })) {
      if (event.position > record.lastPosition) break
      if (event.causationId === record.commandId) events.push(this.#ports.registry.read(event))
    }
    return events
  }

  async #stateAfter(
    record: CommandRecord,
    aggregate: AnyAggregate,
    request: Request,
  ): Promise<unknown> {
    if (record.streamVersion === undefined || record.streamVersion === 0)
      return aggregate.initialState
    const options = { id: request.aggregateId!, to: record.streamVersion }
    return (await loadState(this.#source, this.#ports.registry, aggregate, options)).state
  }

  /**
   * Keeps a refusal as the command's outcome. What may go otherwise next time (a conflict, a store in
   * trouble, an abort) is no outcome: a repeat shall try again.
   */
  async #recordFailure(request: Request, error: unknown): Promise<void> {
    if (request.signal?.aborted === true || !isOutcome(error)) return
    try {
      await this.#store.commands.record(
        toCommandRecord(request, 'failed', { result: toErrorJson(error) }),
      )
    } catch (recordError) {
      // The caller gets the handler's error; that its row is missing goes to the owner of failures.
      this.#ports.onError(recordError)
    }
  }
}

const UNREADABLE: ReadonlySet<string> = new Set([
  'TIDINGS_VERSION_UNKNOWN',
  'TIDINGS_NAME_UNKNOWN',
  'TIDINGS_UPCAST_FAILED',
])

/** Whether an error says what became of the command, rather than that nothing could be tried. */
function isOutcome(error: unknown): boolean {
  if (!isTidingsError(error)) return true
  if (isRetryable(error) || error.code.startsWith('TIDINGS_STORE_')) return false
  // A stream that this process cannot read is read by the next deployment.
  if (UNREADABLE.has(error.code)) return false
  return error.code !== 'TIDINGS_CLOSED' && !error.code.startsWith('TIDINGS_TRANSACTION_')
}
