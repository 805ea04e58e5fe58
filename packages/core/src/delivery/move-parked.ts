import type { JsonObject } from '../contract/json.ts'
import { toIsoTime } from '../internal/time.ts'
import type { OperationRecord } from '../store/operation-store.ts'
import type { ParkedEvent, ParkedFilter } from '../store/parked-store.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { followersOf } from './followers.ts'
import { withChange } from './make-parked.ts'
import { putOperation, type OperationStep } from './operation-step.ts'
import type { Session } from './session.ts'

/** What a redrive or discard asks for, as it is stored. */
export interface MoveRequest {
  readonly filter: Omit<ParkedFilter, 'subscription' | 'generation' | 'states' | 'operationId'>
  /** Events a second; undefined: as fast as it goes. */
  readonly rate?: number
  /** Payloads that take the place of the originals, as JSON, by the id of the parked event. */
  readonly edits?: Readonly<Record<string, string>>
  /** Redrive also what was redriven as often as it may be. */
  readonly force?: boolean
  /** The operation that this is the part of one shard of: what is moved bears its id. */
  readonly whole?: string
}

/** How far it has come. */
interface MoveProgress {
  /** Where the next page begins; undefined: at the first one. */
  readonly after?: Pick<ParkedEvent, 'subscription' | 'generation' | 'sequence' | 'parkedId'>
  readonly moved: number
  /** Of those: not chosen, but behind one that was. */
  readonly followers: number
  /** Left alone by the loop guard. */
  readonly refused: number
  /** All are marked; what is left is to wait for what becomes of them. */
  readonly isMarked: boolean
}

const START: MoveProgress = { moved: 0, followers: 0, refused: 0, isMarked: false }
const PAGE = 100
/** An event that was redriven this often and failed each time is left alone, unless somebody insists. */
export const MOST_REDRIVES = 5
/** How often it is looked what became of the last ones, milliseconds. */
const LOOK_MS = 50
/** Outcomes that a result names one by one; the rest is counted. */
const NAMED = 1000

/** Events a second that an operation may begin; undefined: as fast as it goes. */
export function redriveRate({ kind, request }: OperationRecord): number | undefined {
  return kind === 'redrive' ? (request as unknown as MoveRequest).rate : undefined
}

/** Marks what the filter finds and what comes along with it, a page at a time, then waits until each has run. */
export async function redriveParked(
  session: Session,
  ports: DeliveryPorts,
  operation: OperationRecord,
): Promise<OperationStep> {
  const progress = { ...START, ...(operation.progress as unknown as Partial<MoveProgress>) }
  const isCancelled = operation.cancelledBy !== undefined
  if (!progress.isMarked && !isCancelled) return markPage(session, ports, { operation, progress })
  return waitForOutcomes(session, ports, { operation, progress, isCancelled })
}

/** Sets aside for good what the filter finds. */
export async function discardParked(
  session: Session,
  ports: DeliveryPorts,
  operation: OperationRecord,
): Promise<OperationStep> {
  const progress = { ...START, ...(operation.progress as unknown as Partial<MoveProgress>) }
  const isCancelled = operation.cancelledBy !== undefined
  if (!progress.isMarked && !isCancelled) return markPage(session, ports, { operation, progress })
  const { whole } = operation.request as unknown as MoveRequest
  const discarded = whole === undefined ? await countMoved(ports, operation) : progress.moved
  const result = { discarded }
  return { kind: isCancelled ? 'cancelled' : 'done', result }
}

/** By the events themselves: owners of before, in another number of shards too, had no time to say all. */
export function countMoved(
  { store }: Pick<DeliveryPorts, 'store'>,
  { operationId, subscription }: OperationRecord,
): Promise<number> {
  return store.parked.count({ subscription, operationId })
}

interface Move {
  readonly operation: OperationRecord
  readonly progress: MoveProgress
}

async function markPage(
  session: Session,
  ports: DeliveryPorts,
  { operation, progress }: Move,
): Promise<OperationStep> {
  const request = operation.request as unknown as MoveRequest
  const { generation } = session.fence
  const subscription = session.name
  const page = await ports.store.parked.list(
    { ...request.filter, subscription, generation, states: ['parked'] },
    { after: progress.after as ParkedEvent | undefined, limit: PAGE },
  )
  const last = page.at(-1)
  if (last === undefined) return goesOn({ ...progress, isMarked: true })
  let { moved, followers, refused } = progress
  for (const [key, events] of byKey(page, session)) {
    await session.onKey(key, async () => {
      const chosen = await stillParked(ports, events, operation)
      const mine = chosen.filter((event) => !isLooping(event, operation, request))
      refused += chosen.length - mine.length
      if (mine.length === 0) return
      const behind = operation.kind === 'redrive' ? await comingAlong(session, ports, mine) : []
      moved += mine.length + behind.length
      followers += behind.length
      const nowMs = ports.environment.clock.now()
      const all = [...mine, ...behind]
      const changed = all.map((event) => change(event, { operation, request, nowMs }))
      // With the events: a successor must not count anew what was moved before this page was over.
      const counted = { ...progress, moved, followers }
      await changeParked(session, key, () =>
        ports.store.transaction(async (tx) => {
          await tx.park(changed)
          await putOperation(tx, session.fence, { ...operation, progress: { ...counted } })
        }),
      )
    })
  }
  const { sequence, parkedId } = last
  const next = {
    after: { subscription, generation, sequence, parkedId },
    moved,
    followers,
    refused,
    isMarked: false,
  }
  await ports.store.transaction((tx) =>
    putOperation(tx, session.fence, { ...operation, progress: next }),
  )
  return goesOn(next)
}

/** Looks at the key however the write ends: what failed may have been committed, its answer lost. */
async function changeParked(
  session: Session,
  key: string,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write()
  } finally {
    await session.parkedChanged(key)
  }
}

function goesOn(progress: MoveProgress): OperationStep {
  return { kind: 'goes-on', progress: progress as unknown as JsonObject }
}

/** Those of this session, by key: other shards move theirs. */
function byKey(
  events: readonly ParkedEvent[],
  session: Session,
): ReadonlyMap<string, ParkedEvent[]> {
  return Map.groupBy(
    events.filter(({ key }) => session.ownsKey(key)),
    ({ key }) => key,
  )
}

/** Under which id it is known what it moved. */
function movedBy({ operationId, request }: OperationRecord): string {
  return (request as unknown as MoveRequest).whole ?? operationId
}

async function comingAlong(
  session: Session,
  { store }: DeliveryPorts,
  chosen: readonly ParkedEvent[],
): Promise<readonly ParkedEvent[]> {
  const { generation } = session.fence
  const subscription = session.name
  const key = chosen[0]?.key
  const states = ['parked', 'redriving'] as const
  const ofKey = await store.parked.list({ subscription, generation, key, states })
  return followersOf(ofKey, new Set(chosen.map(({ parkedId }) => parkedId)))
}

/** Some may have run, or been moved, since they were listed; some by this operation, for an owner that died. */
async function stillParked(
  ports: DeliveryPorts,
  events: readonly ParkedEvent[],
  operation: OperationRecord,
): Promise<readonly ParkedEvent[]> {
  const operationId = movedBy(operation)
  const { parked } = ports.store
  const current = await Promise.all(events.map(({ parkedId }) => parked.find(parkedId)))
  return current.filter(
    (event) => event?.state === 'parked' && event.operationId !== operationId,
  ) as readonly ParkedEvent[]
}

function isLooping(event: ParkedEvent, { kind }: OperationRecord, { force }: MoveRequest): boolean {
  return kind === 'redrive' && force !== true && event.redrives >= MOST_REDRIVES
}

function change(
  event: ParkedEvent,
  {
    operation,
    request,
    nowMs,
  }: { readonly operation: OperationRecord; readonly request: MoveRequest; readonly nowMs: number },
): ParkedEvent {
  const { requestedBy: by, reason, kind } = operation
  const operationId = movedBy(operation)
  const at = toIsoTime(nowMs)
  const edited = kind === 'redrive' ? request.edits?.[event.parkedId] : undefined
  const entry = (what: 'redriven' | 'discarded' | 'edited') => ({
    at,
    by,
    what,
    reason,
    operationId,
  })
  const withEdit =
    edited === undefined ? event : { ...event, edited, history: withChange(event, entry('edited')) }
  const moved = { operationId, dueAt: undefined, changedAt: at }
  return kind === 'redrive'
    ? {
        ...withEdit,
        ...moved,
        state: 'redriving',
        // The loop guard counts attempts that were asked for: one that was behind another had none.
        redrives: event.redrives + (event.reason === 'behind' ? 0 : 1),
        history: withChange(withEdit, entry('redriven')),
      }
    : {
        ...withEdit,
        ...moved,
        state: 'discarded',
        history: withChange(withEdit, entry('discarded')),
      }
}

async function waitForOutcomes(
  session: Session,
  ports: DeliveryPorts,
  { operation, progress, isCancelled }: Move & { readonly isCancelled: boolean },
): Promise<OperationStep> {
  const open = await stillRedriving(session, ports, operation)
  for (const [key, events] of byKey(open, session)) {
    await session.onKey(key, () => giveBack(session, ports, { key, events, isCancelled }))
  }
  if (open.length > 0) {
    await session.holds.sleep(LOOK_MS)
    return goesOn(progress)
  }
  const { whole } = operation.request as unknown as MoveRequest
  const result = whole === undefined ? await outcomes(ports, operation, progress) : {}
  return { kind: isCancelled ? 'cancelled' : 'done', result }
}

/** The first of them that are this session's. */
async function stillRedriving(
  session: Session,
  { store }: DeliveryPorts,
  operation: OperationRecord,
): Promise<readonly ParkedEvent[]> {
  const operationId = movedBy(operation)
  // Those that a reset has made history end no more: waited for, they would hold up all that is asked.
  const { generation } = session.fence
  const filter = {
    subscription: session.name,
    generation,
    operationId,
    states: ['redriving'],
  } as const
  for (let after: ParkedEvent | undefined; ;) {
    const page = await store.parked.list(filter, { after, limit: PAGE })
    const own = page.filter(({ key }) => session.ownsKey(key))
    after = page.at(-1)
    if (own.length > 0 || after === undefined || page.length < PAGE) return own
  }
}

/** What cannot run, since the one before it failed again, or since somebody cancelled, is parked as before. */
async function giveBack(
  session: Session,
  ports: DeliveryPorts,
  {
    key,
    events,
    isCancelled,
  }: {
    readonly key: string
    readonly events: readonly ParkedEvent[]
    readonly isCancelled: boolean
  },
): Promise<void> {
  const { generation } = session.fence
  const { store, environment } = ports
  const head = await store.parked.head(session.name, generation, key)
  if (!isCancelled && (head === undefined || head.state === 'redriving')) return
  if (!isCancelled && head?.reason === 'behind') return
  const at = toIsoTime(environment.clock.now())
  const reason = isCancelled ? 'cancelled' : 'the one before it failed again'
  const current = await Promise.all(events.map(({ parkedId }) => store.parked.find(parkedId)))
  const back = current.flatMap((event) =>
    event?.state === 'redriving'
      ? {
          ...event,
          state: 'parked' as const,
          changedAt: at,
          history: withChange(event, { at, by: 'runtime', what: 'parked', reason }),
        }
      : [],
  )
  if (back.length === 0) return
  await changeParked(session, key, () =>
    store.transaction(async (tx) => {
      await tx.park(back)
      await tx.progress(session.fence)
    }),
  )
}

/** What became of each. */
export async function outcomes(
  ports: Pick<DeliveryPorts, 'store'>,
  operation: OperationRecord,
  { followers, refused }: Pick<MoveProgress, 'followers' | 'refused'>,
): Promise<JsonObject> {
  const { operationId, subscription } = operation
  const { parked } = ports.store
  const count = (state: ParkedEvent['state']): Promise<number> =>
    parked.count({ subscription, operationId, states: [state] })
  const earlier = await count('redriving')
  const named = await parked.list({ subscription, operationId }, { limit: NAMED })
  return {
    moved: await countMoved(ports, operation),
    followers,
    refused,
    resolved: await count('resolved'),
    parkedAgain: await count('parked'),
    discarded: await count('discarded'),
    // Under way when a reset began another generation.
    ...(earlier > 0 ? { earlier } : undefined),
    events: named.map(({ parkedId, eventId, state }) => ({ parkedId, eventId, state })),
  }
}
