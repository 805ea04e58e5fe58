import type { EventFilter, ReadOptions, Store } from 'tidings'
import { nearestName } from '../arguments/nearest.ts'
import type { VerbContext } from '../context.ts'
import type { Names } from '../contracts/names.ts'
import { wrongUsage } from '../failure.ts'

/** The options that `events` and `export` share. */
export interface FilterOptions {
  readonly type: readonly string[]
  readonly stream: string | undefined
  readonly correlation: string | undefined
  readonly tenant: string | undefined
  readonly since: string | undefined
  readonly until: string | undefined
  readonly after: number | 'end' | undefined
  readonly limit: number | undefined
  readonly contracts: string | undefined
}

export interface Selection {
  readonly filter: EventFilter
  readonly read: Pick<ReadOptions, 'after' | 'limit'>
  readonly names: Names
}

/**
 * What the options mean in this log: aliases become the names under which events are stored, a
 * foreign correlation id becomes the one it was stored under, `end` a position.
 */
export async function selectEvents(
  store: Store,
  options: FilterOptions,
  context: VerbContext,
): Promise<Selection> {
  const { stream, correlation } = options
  if (stream !== undefined && !(await isStreamName(stream))) {
    throw wrongUsage(
      context.t('filter.not-a-stream', { value: stream }),
      context.t('filter.stream-form'),
    )
  }
  const names = await namesFor(store, options, context)
  const filter: EventFilter = {
    types:
      options.type.length === 0
        ? undefined
        : [...new Set(options.type.flatMap((pattern) => names.storedNames(pattern)))],
    stream,
    correlationId: correlation === undefined ? undefined : await correlationOf(correlation),
    tenant: options.tenant,
    since: options.since,
    until: options.until,
  }
  const after = options.after === 'end' ? await store.head() : options.after
  return { filter, names, read: { after, limit: options.limit } }
}

async function isStreamName(text: string): Promise<boolean> {
  const { streamName } = await import('tidings/contract')
  const slash = text.indexOf('/')
  return (
    slash > 0 &&
    slash < text.length - 1 &&
    streamName(text.slice(0, slash), text.slice(slash + 1)) === text
  )
}

async function correlationOf(text: string): Promise<string> {
  const { toCorrelationId } = await import('tidings/contract')
  return toCorrelationId(text)
}

/** A list of everything needs no names, and not the 40 files that know them; a module is read all the same. */
async function namesFor(
  store: Store,
  { type, contracts }: FilterOptions,
  context: VerbContext,
): Promise<Names> {
  if (type.length === 0 && contracts === undefined) return asWritten
  const { loadNames } = await import('../contracts/names.ts')
  return loadNames(store, contracts, context)
}

const asWritten: Names = { storedNames: (pattern) => [pattern] }

/** When nothing was found: which `--type` no event of the log has, and what it may have meant. */
export async function explainNothing(
  store: Store,
  options: FilterOptions,
  { names, context }: { readonly names: Names; readonly context: VerbContext },
): Promise<void> {
  const { t, out } = context
  if (out.json || options.type.length === 0) return
  const known = (await store.catalog.types()).map(({ eventType }) => eventType)
  for (const name of options.type) {
    if (name.includes('*') || names.storedNames(name).some((stored) => known.includes(stored)))
      continue
    const nearest = await nearestName(name, known)
    out.note(t('filter.no-such-type', { name }))
    if (nearest !== undefined) out.note(t('usage.did-you-mean', { name: nearest }))
  }
}
