import type { JsonObject } from '../contract/json.ts'
import { deriveId } from '../internal/ids.ts'
import { parseNormalTime, toIsoTime } from '../internal/time.ts'
import type { OperationRecord } from '../store/operation-store.ts'
import type { Fence } from '../store/subscription-store.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { countMoved, outcomes } from './move-parked.ts'
import { isKnownKind, isPause, pausesFirst, putOperation } from './operation-step.ts'
import { shardName } from './shards.ts'

const ENDS: readonly OperationRecord['state'][] = ['done', 'failed', 'cancelled']
const COUNTS = ['moved', 'followers', 'refused'] as const

type Counts = Record<(typeof COUNTS)[number], number>

/** How far an operation had come when the shards of this generation began with it. */
type Before = Counts & { readonly generation: number }

/**
 * What is asked of a subscription in shards, one after the other, pauses first: each shard gets its part as an
 * operation of its own, under an id that follows from both, and when all have ended so has the whole.
 */
export class ShardDesk {
  readonly #name: string
  readonly #shards: number
  readonly #ports: DeliveryPorts
  #fence: Fence

  constructor(
    { name, shards }: { readonly name: string; readonly shards: number },
    ports: DeliveryPorts,
    fence: Fence,
  ) {
    this.#name = name
    this.#shards = shards
    this.#ports = ports
    this.#fence = fence
  }

  /** Goes as far as the shards have come. @returns whether something is still under way */
  async look(): Promise<boolean> {
    const states = ['requested', 'running'] as const
    const open = await this.#ports.store.operations.list({ subscription: this.#name, states })
    for (const operation of pausesFirst(open.filter(isKnownKind))) {
      if (!(await this.#carryOn(operation))) return true
    }
    return false
  }

  /** @returns whether it has ended */
  async #carryOn(operation: OperationRecord): Promise<boolean> {
    let current = operation
    if (current.state === 'requested') {
      current = { ...current, state: 'running', startedAt: this.#now() }
      await this.#put(current)
    }
    if (current.kind === 'reset') current = await this.#reset(current)
    if (isMove(current)) current = await this.#withBefore(current)
    if (isPause(current)) {
      // For shards that are not there yet.
      await this.#ports.store.subscriptions.setPaused(this.#fence, current.kind === 'pause')
    }
    const parts = await this.#parts(current)
    if (!parts.every(({ state }) => ENDS.includes(state))) {
      await this.#tell(current, parts)
      return false
    }
    await this.#finish(current, parts)
    return true
  }

  /** Where the next generation begins is decided once; the shards follow, each by its owner. */
  async #reset(operation: OperationRecord): Promise<OperationRecord> {
    const before = operation.progress['generation'] ?? this.#fence.generation
    const begun = { ...operation, progress: { generation: before } }
    if (operation.progress['generation'] === undefined) await this.#put(begun)
    if (this.#fence.generation > Number(before)) return begun
    const { subscriptions } = this.#ports.store
    const position = operation.request['position'] as number
    const { generation } = await subscriptions.reset(this.#fence, position)
    this.#fence = { ...this.#fence, generation }
    return begun
  }

  /** What another number of shards has moved counts too: its parts are none of these. */
  async #withBefore(operation: OperationRecord): Promise<OperationRecord> {
    const { generation } = this.#fence
    if (beforeOf(operation)?.generation === generation) return operation
    const counts = sumOf([operation])
    const begun = { ...operation, progress: { ...counts, before: { generation, ...counts } } }
    await this.#put(begun)
    return begun
  }

  async #parts(operation: OperationRecord): Promise<readonly OperationRecord[]> {
    const { operations } = this.#ports.store
    const parts: OperationRecord[] = []
    for (let index = 0; index < this.#shards; index++) {
      const part = this.#partOf(operation, index)
      const known = await operations.find(part.operationId)
      if (known === undefined) await operations.request(part)
      parts.push(await this.#handOnCancel(operation, known ?? part))
    }
    return parts
  }

  async #handOnCancel(
    { kind, cancelledBy, cancelReason = '' }: OperationRecord,
    part: OperationRecord,
  ): Promise<OperationRecord> {
    // A pause of some of the shards would be neither.
    const ends = kind === 'redrive' || kind === 'discard'
    if (!ends || cancelledBy === undefined || part.cancelledBy !== undefined) return part
    const { operations } = this.#ports.store
    return (await operations.cancel(part.operationId, cancelledBy, cancelReason)) ?? part
  }

  #partOf(operation: OperationRecord, index: number): OperationRecord {
    const { operationId, requestedAt, kind, request, progress } = operation
    const name = shardName(this.#name, { index, of: this.#shards })
    const { rate } = request
    const generation =
      kind === 'reset' ? Number(progress['generation']) + 1 : this.#fence.generation
    return {
      ...operation,
      // The same number of shards may come back: by then these parts are of an earlier generation.
      operationId: deriveId(parseNormalTime(requestedAt), operationId, `${name} ${generation}`),
      subscription: name,
      request: {
        ...request,
        ...(typeof rate === 'number' ? { rate: rate / this.#shards } : undefined),
        ...(kind === 'reset' ? { generation } : undefined),
        whole: operationId,
      },
      state: 'requested',
      startedAt: undefined,
      progress: {},
      cancelledBy: undefined,
      cancelReason: undefined,
    }
  }

  async #tell(operation: OperationRecord, parts: readonly OperationRecord[]): Promise<void> {
    if (!isMove(operation)) return
    const progress = progressOf(operation, parts)
    if (COUNTS.every((count) => progress[count] === operation.progress[count])) return
    await this.#put({ ...operation, progress })
  }

  async #finish(operation: OperationRecord, parts: readonly OperationRecord[]): Promise<void> {
    const progress = progressOf(operation, parts)
    const failed = parts.find(({ state }) => state === 'failed')
    const isCancelled = parts.some(({ state }) => state === 'cancelled')
    await this.#put({
      ...operation,
      state: failed === undefined ? (isCancelled ? 'cancelled' : 'done') : 'failed',
      finishedAt: this.#now(),
      error: failed && `${failed.subscription}: ${failed.error}`,
      ...(isMove(operation) ? { progress } : undefined),
      result: await this.#resultOf(operation, progress),
    })
  }

  async #resultOf(operation: OperationRecord, counts: Counts): Promise<JsonObject> {
    switch (operation.kind) {
      case 'redrive':
        return outcomes(this.#ports, operation, counts)
      case 'discard':
        return { discarded: await countMoved(this.#ports, operation) }
      case 'reset':
        return { generation: this.#fence.generation }
      default:
        return {}
    }
  }

  async #put(operation: OperationRecord): Promise<void> {
    await this.#ports.store.transaction((tx) => putOperation(tx, this.#fence, operation))
  }

  #now(): string {
    return toIsoTime(this.#ports.environment.clock.now())
  }
}

function isMove({ kind }: OperationRecord): boolean {
  return kind === 'redrive' || kind === 'discard'
}

function beforeOf({ progress }: OperationRecord): Before | undefined {
  return progress['before'] as unknown as Before | undefined
}

function progressOf(
  operation: OperationRecord,
  parts: readonly OperationRecord[],
): Counts & { readonly before: JsonObject } {
  const before = beforeOf(operation)
  const base = { ...operation, progress: { ...before } }
  return { ...sumOf([base, ...parts]), before: { ...before } }
}

function sumOf(parts: readonly OperationRecord[]): Counts {
  const sum = (count: (typeof COUNTS)[number]): number =>
    parts.reduce((total, { progress }) => total + Number(progress[count] ?? 0), 0)
  return { moved: sum('moved'), followers: sum('followers'), refused: sum('refused') }
}
