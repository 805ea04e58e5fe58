import type { ParkedEvent, ParkReason } from '../store/parked-store.ts'
import type { Store } from '../store/store.ts'
import { requireSubscription } from './describe-subscription.ts'
import { MOST_REDRIVES, type MoveRequest } from './move-parked.ts'

/** Which parked events of a subscription are meant; all conditions hold together, none means all. */
export type ParkedChoice = MoveRequest['filter']

/**
 * What a redrive would do with a parked event:
 * - `runs`: handle it at once; `runs-after`: when the one before it of its key has been handled;
 * - `follows`: likewise, although it was not chosen: it only waits behind one that was;
 * - `waits`: leave it parked, since an earlier one of its key is, and is not part of this;
 * - `refused`: leave it alone, it was redriven too often (unless forced);
 * - `under-way`: it is being redriven already; `finished`: it was resolved or discarded;
 * - `earlier`: it was parked before a reset, under a generation that is history.
 */
export type RedriveVerdict =
  | 'runs'
  | 'runs-after'
  | 'follows'
  | 'waits'
  | 'refused'
  | 'under-way'
  | 'finished'
  | 'earlier'

/** What would become of one parked event. */
export interface PlannedRedrive {
  readonly parkedId: string
  readonly eventId: string
  readonly eventType: string
  readonly key: string
  readonly reason: ParkReason
  readonly redrives: number
  readonly verdict: RedriveVerdict
  /** The parked event that it comes after, or waits for. */
  readonly behind: string | undefined
}

export interface RedrivePlan {
  readonly subscription: string
  readonly generation: number
  /** In order. What is finished or of an earlier generation is listed where the choice names ids. */
  readonly events: readonly PlannedRedrive[]
  readonly counts: Readonly<Record<RedriveVerdict, number>>
}

/** What is asked of a plan. */
export interface RedriveQuestion {
  readonly subscription: string
  readonly filter?: ParkedChoice | undefined
  /** Also what was redriven as often as it may be. */
  readonly force?: boolean | undefined
  /** Checked as a redrive would check them. */
  readonly edits?: Readonly<Record<string, unknown>> | undefined
}

const PAGE = 500

/**
 * Says what a redrive would do, and does none of it.
 *
 * @throws {UnknownSubscriptionError}
 */
export async function planRedrive(
  store: Store,
  { subscription, filter = {}, force = false }: RedriveQuestion,
): Promise<RedrivePlan> {
  const { generation } = await requireSubscription(store, subscription)
  const isListed = filter.ids !== undefined
  const planned: PlannedRedrive[] = []
  const chosen = new Map<string, Set<string>>()
  for await (const event of matching(store, subscription, { filter, isListed })) {
    const isOld = event.generation !== generation
    if (isOld || event.state === 'resolved' || event.state === 'discarded') {
      planned.push(toPlanned(event, isOld ? 'earlier' : 'finished', undefined))
      continue
    }
    const ids = chosen.get(event.key) ?? new Set()
    chosen.set(event.key, ids.add(event.parkedId))
  }
  for (const [key, ids] of chosen) {
    const states = ['parked', 'redriving'] as const
    const events = await store.parked.list({ subscription, generation, key, states })
    planned.push(...planKey(events, ids, force))
  }
  return { subscription, generation, events: planned, counts: countVerdicts(planned) }
}

async function* matching(
  store: Store,
  subscription: string,
  { filter, isListed }: { readonly filter: ParkedChoice; readonly isListed: boolean },
): AsyncGenerator<ParkedEvent> {
  const states = isListed ? undefined : (['parked', 'redriving'] as const)
  let after: ParkedEvent | undefined
  for (;;) {
    const page = await store.parked.list(
      { ...filter, subscription, states },
      { after, limit: PAGE },
    )
    yield* page
    after = page.at(-1)
    if (page.length < PAGE) return
  }
}

/**
 * Decides about the chosen events of one key. Pure.
 *
 * @param events all unfinished ones of the key, in order
 */
export function planKey(
  events: readonly ParkedEvent[],
  chosen: ReadonlySet<string>,
  force: boolean,
): readonly PlannedRedrive[] {
  const planned: PlannedRedrive[] = []
  let blocker: string | undefined
  let before: string | undefined
  let isMoving = false
  for (const event of events) {
    const isChosen = chosen.has(event.parkedId)
    const isRefused = !force && event.state === 'parked' && event.redrives >= MOST_REDRIVES
    if (isChosen) planned.push(decide(event, { isRefused, blocker, before }))
    else if (isMoving && blocker === undefined && event.reason === 'behind')
      planned.push(toPlanned(event, 'follows', before))
    // What only waited behind another one runs by itself when its turn comes.
    const moves =
      event.state === 'redriving' || event.reason === 'behind' || (isChosen && !isRefused)
    if (!moves) blocker ??= event.parkedId
    if (isChosen && !isRefused && blocker === undefined) isMoving = true
    before = event.parkedId
  }
  return planned
}

function decide(
  event: ParkedEvent,
  {
    isRefused,
    blocker,
    before,
  }: {
    readonly isRefused: boolean
    readonly blocker: string | undefined
    readonly before: string | undefined
  },
): PlannedRedrive {
  if (event.state === 'redriving') return toPlanned(event, 'under-way', blocker ?? before)
  if (isRefused) return toPlanned(event, 'refused', undefined)
  if (blocker !== undefined) return toPlanned(event, 'waits', blocker)
  return toPlanned(event, before === undefined ? 'runs' : 'runs-after', before)
}

function toPlanned(
  { parkedId, eventId, eventType, key, reason, redrives }: ParkedEvent,
  verdict: RedriveVerdict,
  behind: string | undefined,
): PlannedRedrive {
  return { parkedId, eventId, eventType, key, reason, redrives, verdict, behind }
}

function countVerdicts(events: readonly PlannedRedrive[]): RedrivePlan['counts'] {
  const counts = {
    runs: 0,
    'runs-after': 0,
    follows: 0,
    waits: 0,
    refused: 0,
    'under-way': 0,
    finished: 0,
    earlier: 0,
  }
  for (const { verdict } of events) counts[verdict]++
  return counts
}
