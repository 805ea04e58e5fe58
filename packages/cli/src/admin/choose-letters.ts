import type {
  Admin,
  ParkedChoice,
  ParkedEvent,
  ParkedFilter,
  ParkedState,
  ParkReason,
} from 'tidings'
import { isUuid, nearestNames } from 'tidings/contract'
import type { VerbContext } from '../context.ts'
import { Failure, wrongUsage } from '../failure.ts'

/** The options that say which parked events are meant. */
export interface ChoiceOptions {
  readonly subscription: string | undefined
  readonly id: readonly string[]
  readonly group: string | undefined
  readonly key: string | undefined
  readonly type: string | undefined
  readonly reason: ParkReason | undefined
  readonly since: string | undefined
  readonly until: string | undefined
}

/** @throws {Failure} wrong usage: an id that is none */
export function readChoice(options: ChoiceOptions, { t }: VerbContext): ParkedChoice {
  const wrong = options.id.find((id) => !isUuid(id))
  if (wrong !== undefined)
    throw wrongUsage(t('letters.not-an-id', { value: wrong }), t('letters.find'))
  const choice: ParkedChoice = {
    ids: options.id.length === 0 ? undefined : options.id.map((id) => id.toLowerCase()),
    fingerprint: options.group,
    key: options.key,
    eventType: options.type,
    reasons: options.reason === undefined ? undefined : [options.reason],
    since: options.since,
    until: options.until,
  }
  // Only what was said: it is stored with the operation, for people to read.
  return Object.fromEntries(Object.entries(choice).filter(([, value]) => value !== undefined))
}

/** What is looked at: with `--state`, else what is unfinished. */
export function readFilter(
  options: ChoiceOptions & { readonly state: ParkedState | 'all' | undefined },
  context: VerbContext,
): ParkedFilter {
  const { state, subscription } = options
  const states: readonly ParkedState[] | undefined =
    state === 'all' ? undefined : state === undefined ? ['parked', 'redriving'] : [state]
  return { ...readChoice(options, context), subscription, states }
}

const PAGE = 500

/** Parked events in order, page by page. */
export async function* pagesOf(
  admin: Admin,
  filter: ParkedFilter,
  {
    limit = Number.POSITIVE_INFINITY,
    signal,
  }: { readonly limit?: number | undefined; readonly signal: AbortSignal },
): AsyncGenerator<readonly ParkedEvent[]> {
  let after: ParkedEvent | undefined
  for (let left = limit; left > 0;) {
    signal.throwIfAborted()
    const wanted = Math.min(PAGE, left)
    const page = await admin.parked.list(filter, { after, limit: wanted })
    if (page.length > 0) yield page
    if (page.length < wanted) return
    left -= page.length
    after = page.at(-1)
  }
}

/**
 * The one subscription that a choice is about: the one that is named, or that of all that it finds.
 *
 * @throws {Failure} wrong usage: none is named, and it finds several, or nothing
 */
export async function readSubscription(
  admin: Admin,
  options: ChoiceOptions,
  context: VerbContext,
): Promise<string> {
  const { t, signal } = context
  if (options.subscription !== undefined) return options.subscription
  const filter = readChoice(options, context)
  if (Object.keys(filter).length === 0) throw wrongUsage(t('letters.no-choice'), t('letters.find'))
  const names = new Set<string>()
  for await (const page of pagesOf(admin, filter, { signal })) {
    for (const { subscription } of page) names.add(subscription)
  }
  const [name] = names
  if (name === undefined) {
    throw new Failure('TIDINGS_CLI_NO_LETTER', t('letters.none'), { hint: t('letters.find') })
  }
  if (names.size === 1) return name
  throw wrongUsage(t('letters.several', { names: [...names].toSorted().join(', ') }))
}

/** When nothing was found: what of the choice nothing has, and what may have been meant. */
export async function explainNoLetters(
  admin: Admin,
  options: ChoiceOptions,
  { t, out }: VerbContext,
): Promise<void> {
  if (out.json) return
  const { subscription, group } = options
  const groups = await admin.parked.groups({})
  if (subscription !== undefined) {
    // Throws with the nearest names where there is none of this name.
    await admin.subscription(subscription)
  }
  if (group !== undefined && groups.every(({ fingerprint }) => fingerprint !== group)) {
    const [nearest] = nearestNames(
      group,
      groups.map(({ fingerprint }) => fingerprint),
    )
    out.note(t('letters.no-group', { fingerprint: group }))
    if (nearest !== undefined) out.note(t('usage.did-you-mean', { name: nearest }))
    return
  }
  out.note(t('letters.none'))
}
