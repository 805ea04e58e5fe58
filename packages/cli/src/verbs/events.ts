import type { Store } from 'tidings'
import type { StoredEnvelope } from 'tidings/contract'
import type { Arguments } from '../arguments/spec.ts'
import type { eventsSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode, wrongUsage } from '../failure.ts'
import { createTable, type Column } from '../output/table.ts'
import { explainNothing, selectEvents, type Selection } from '../store/filter.ts'
import { openForReading } from '../store/open-store.ts'

/** `tidings events`: what is in the log, and with --follow what comes. */
export async function runEvents(
  context: VerbContext,
  { options }: Arguments<typeof eventsSpec>,
): Promise<ExitCode> {
  if (options.follow && options.reverse) throw wrongUsage(context.t('events.follow-reverse'))
  await using store = await openForReading(context)
  const selection = await selectEvents(store, options, context)
  const print = await createPrinter(context)
  const seen = options.follow
    ? await follow(store, selection, { context, print })
    : await list(store, selection, { context, print, reverse: options.reverse })
  if (seen === 0) await explainNothing(store, options, { names: selection.names, context })
  context.signal.throwIfAborted()
  return exitCodes.done
}

type Print = (events: readonly StoredEnvelope[]) => Promise<void>

interface Listing {
  readonly context: VerbContext
  readonly print: Print
  readonly reverse?: boolean
}

async function list(
  store: Store,
  { filter, read }: Selection,
  { context, print, reverse }: Listing,
): Promise<number> {
  let seen = 0
  const reader = store.query(filter, { ...read, reverse, signal: context.signal })
  for await (const page of reader.pages()) {
    await print(page)
    seen += page.length
  }
  return seen
}

async function follow(
  store: Store,
  { filter, read }: Selection,
  { context, print }: Listing,
): Promise<number> {
  const { signal, out } = context
  let after = read.after ?? 0
  let seen = 0
  while (read.limit === undefined || seen < read.limit) {
    // Asked before the query: what comes while it runs is found by it or by the next one.
    const head = await store.head()
    const limit = read.limit === undefined ? undefined : read.limit - seen
    for await (const page of store.query(filter, { after, limit, signal }).pages()) {
      await print(page)
      seen += page.length
      after = page.at(-1)?.position ?? after
    }
    await out.flush()
    if (seen === read.limit) break
    after = Math.max(after, head)
    await store.waitBeyond(after, { signal })
  }
  return seen
}

async function createPrinter({ out, t }: VerbContext): Promise<Print> {
  if (out.json) {
    const { toWire } = await import('tidings/contract')
    return async (events) => {
      for (const event of events) await out.record(toWire(event))
    }
  }
  const time: Column<StoredEnvelope> = {
    title: t('column.time'),
    value: ({ timestamp }) => timestamp,
  }
  const columns: readonly Column<StoredEnvelope>[] = [
    { title: t('column.position'), align: 'right', value: ({ position }) => String(position) },
    // Before what may be long: on a narrow terminal the end of a line is cut, and `show` needs the id.
    { title: t('column.event-id'), value: ({ eventId }) => eventId },
    // A pipe has the order that programs know; on a terminal of 80 columns there is room for one more
    // column than the id, and that has to be what happened.
    ...(out.terminal ? [] : [time]),
    {
      title: t('column.type'),
      value: ({ eventType, eventVersion }) =>
        eventVersion === 1 ? eventType : `${eventType} v${eventVersion}`,
      plain: ({ eventType }) => eventType,
    },
    {
      title: t('column.stream'),
      value: ({ aggregateType, aggregateId }) => `${aggregateType}/${aggregateId}`,
    },
    {
      title: t('column.stream-version'),
      align: 'right',
      value: ({ streamVersion }) => String(streamVersion),
    },
    ...(out.terminal ? [time] : []),
  ]
  const table = createTable(out, columns)
  return (events) => table.add(events)
}
