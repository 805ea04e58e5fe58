import { isTidingsError } from '../errors/tidings-error.ts'
import { toIsoTime } from '../internal/time.ts'
import type { OperationRecord } from '../store/operation-store.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { discardParked, redriveParked, redriveRate } from './move-parked.ts'
import {
  isKnownKind,
  isPause,
  pausesFirst,
  putOperation,
  type OperationStep,
} from './operation-step.ts'
import type { Session } from './session.ts'
import { SessionOver } from './session-end.ts'

/**
 * Operations that a person or program requested, carried out by the owner of the subscription, one after
 * the other; but a pause waits behind nothing: a slow redrive would hold it up for hours.
 */
export class OperationDesk {
  readonly #session: Session
  readonly #ports: DeliveryPorts

  constructor(session: Session, ports: DeliveryPorts) {
    this.#session = session
    this.#ports = ports
  }

  /** Carries out what is requested or was begun by an earlier owner, in order of request. */
  async look(): Promise<void> {
    for (const operation of pausesFirst(await this.#listOpen())) {
      if (this.#session.isStopping) return
      await this.#carryOut(operation)
    }
  }

  async #listOpen(): Promise<readonly OperationRecord[]> {
    const { subscription } = this.#session.fence
    const { operations } = this.#ports.store
    const open = await operations.list({ subscription, states: ['requested', 'running'] })
    return open.filter(isKnownKind)
  }

  /** What was requested while another operation is under way, and does not wait for it. */
  async #carryOutPauses(): Promise<void> {
    for (const operation of (await this.#listOpen()).filter(isPause)) {
      await this.#carryOut(operation)
    }
  }

  async #carryOut(operation: OperationRecord): Promise<void> {
    let current = operation
    if (current.state === 'requested') {
      current = { ...current, state: 'running', startedAt: this.#now() }
      await this.#put(current)
    }
    if (!isPause(operation)) this.#session.paceRedrives(redriveRate(operation))
    try {
      for (;;) {
        const step = await this.#step(current)
        if (step.kind !== 'goes-on') return await this.#finish(current, step)
        // Somebody may have cancelled it meanwhile.
        const latest = await this.#ports.store.operations.find(current.operationId)
        current = { ...(latest ?? current), progress: step.progress }
        if (this.#session.isStopping) return
        await this.#carryOutPauses()
      }
    } catch (error) {
      // What is no failure of the operation is thrown on: it goes on later, or under the next owner.
      if (error instanceof SessionOver || isOfTheStore(error)) throw error
      await this.#put({
        ...current,
        state: 'failed',
        finishedAt: this.#now(),
        error: String(error),
      })
    }
  }

  async #step(operation: OperationRecord): Promise<OperationStep> {
    const { store } = this.#ports
    const { fence } = this.#session
    const by = `${operation.requestedBy}: ${operation.reason}`
    switch (operation.kind) {
      case 'pause':
        await store.subscriptions.setPaused(fence, true)
        this.#session.holds.hold('paused', by)
        return { kind: 'done', result: {} }
      case 'resume':
        await store.subscriptions.setPaused(fence, false)
        this.#session.resume()
        return { kind: 'done', result: {} }
      case 'reset':
        return this.#reset(operation)
      case 'redrive':
        return redriveParked(this.#session, this.#ports, operation)
      default:
        // Nothing else comes so far.
        return discardParked(this.#session, this.#ports, operation)
    }
  }

  /** The session ends, and the next one begins in the new generation: there this comes to its end. */
  async #reset(operation: OperationRecord): Promise<OperationStep> {
    const { request, progress } = operation
    const { generation } = this.#session.fence
    const { generation: next } = request
    // A shard goes where all of them go, and may be there already.
    const from = typeof next === 'number' ? next - 1 : progress['generation']
    if (typeof from === 'number' && generation > from) {
      return { kind: 'done', result: { generation } }
    }
    // Kept first: the next session must see that it was done, or it would reset again without end.
    await this.#put({ ...operation, progress: { generation } })
    const position = request['position'] as number
    this.#session.end({ kind: 'reset', position })
    return { kind: 'goes-on', progress: { generation } }
  }

  async #finish(
    operation: OperationRecord,
    { kind, result }: Exclude<OperationStep, { readonly kind: 'goes-on' }>,
  ): Promise<void> {
    await this.#put({ ...operation, state: kind, finishedAt: this.#now(), result })
  }

  async #put(operation: OperationRecord): Promise<void> {
    await this.#ports.store.transaction(async (tx) => {
      await putOperation(tx, this.#session.fence, operation)
    })
  }

  #now(): string {
    return toIsoTime(this.#ports.environment.clock.now())
  }
}

function isOfTheStore(error: unknown): boolean {
  if (!isTidingsError(error)) return false
  const { code } = error
  return code === 'TIDINGS_FENCED' || code === 'TIDINGS_CLOSED' || code.startsWith('TIDINGS_STORE_')
}
