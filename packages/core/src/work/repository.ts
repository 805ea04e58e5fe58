import type { AnyAggregate } from '../contract/define-aggregate.ts'
import { streamName } from '../contract/envelope.ts'
import { findJsonFault } from '../contract/json.ts'
import type { Registry } from '../contract/registry.ts'
import { ContractError, shorten } from '../errors/contract-error.ts'
import type { VersionRange } from '../store/retention-store.ts'
import type { Snapshot } from '../store/snapshot.ts'
import type { EventReader, ReadStreamOptions } from '../store/store.ts'
import { evolve, type AggregateRoot, type LoadedState } from './aggregate-root.ts'

/** Where a repository reads: a store, or a transaction of one with the store's snapshots. */
export interface AggregateSource {
  readStream(stream: string, options?: ReadStreamOptions): EventReader
  loadSnapshot(stream: string): Promise<Snapshot | undefined>
  /** The versions of a stream that were deleted. */
  removed(stream: string): Promise<readonly VersionRange[]>
}

export interface LoadOptions {
  /** Fold from the first event on, whatever snapshot there is. */
  readonly ignoreSnapshot?: boolean
  /** Fold up to this version of the stream, inclusive. Uses no snapshot beyond it. */
  readonly to?: number | undefined
}

/**
 * Folds an aggregate from its snapshot, if there is a usable one, and the events after it.
 *
 * @throws {UnknownNameError} the stream holds an event of a type that this process has no contract for:
 *   deciding on a state without it would be deciding on another aggregate
 * @throws {ContractError} an event cannot be read (newer version, failed upcast)
 */
export async function loadState(
  source: AggregateSource,
  registry: Registry,
  aggregate: AnyAggregate,
  options: LoadOptions & {
    readonly id: string
    /**
     * Takes a stream without events for a new one. Where all of them were deleted the append then ends in
     * a conflict, and the next attempt looks: a new aggregate needs one look-up less.
     */
    readonly trustEmpty?: boolean | undefined
  },
): Promise<LoadedState> {
  const stream = streamName(aggregate.type, options.id)
  const snapshot = await usableSnapshot(source, aggregate, stream, options)
  let state: unknown = snapshot === undefined ? aggregate.initialState : JSON.parse(snapshot.state)
  const snapshotVersion = snapshot?.streamVersion ?? 0
  let version = snapshotVersion
  for await (const page of source
    .readStream(stream, { from: version + 1, to: options.to })
    .pages()) {
    for (let index = 0; index < page.length; index++) {
      const event = registry.read(page[index]!)
      version = event.streamVersion
      if (event.erased === true) continue
      if (registry.event(event.eventType) === undefined) registry.require(event.eventType)
      state = evolve(aggregate, state, event)
    }
  }
  if (version === 0 && options.to === undefined && options.trustEmpty !== true) {
    version = (await source.removed(stream)).at(-1)?.last ?? 0
  }
  return { state, version, snapshotVersion }
}

async function usableSnapshot(
  source: AggregateSource,
  aggregate: AnyAggregate,
  stream: string,
  options: LoadOptions,
): Promise<Snapshot | undefined> {
  if (aggregate.snapshot === undefined || options.ignoreSnapshot === true) return undefined
  const snapshot = await source.loadSnapshot(stream)
  if (snapshot === undefined || snapshot.snapshotVersion !== aggregate.snapshot.version)
    return undefined
  return options.to !== undefined && snapshot.streamVersion > options.to ? undefined : snapshot
}

/**
 * The snapshot that is due for an aggregate whose events were just committed, `undefined` where none is.
 *
 * @throws {ContractError} the state would not survive JSON
 */
export function dueSnapshot(root: AggregateRoot): Snapshot | undefined {
  const options = root.aggregate.snapshot
  if (options === undefined || root.version - root.snapshotVersion < options.every) return undefined
  const fault = findJsonFault(root.state)
  if (fault !== undefined) {
    throw new ContractError('TIDINGS_PAYLOAD_NOT_JSON', 'the state cannot be kept as a snapshot.', {
      type: root.aggregate.type,
      issues: [{ pointer: fault.pointer, expected: fault.expected, actual: shorten(fault.actual) }],
      nextStep: "Keep the state as plain JSON, or leave 'snapshot' out.",
    })
  }
  return {
    stream: root.stream,
    streamVersion: root.version,
    snapshotVersion: options.version,
    state: JSON.stringify(root.state),
  }
}
