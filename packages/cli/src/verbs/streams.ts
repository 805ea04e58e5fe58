import type { StreamSummary } from 'tidings'
import type { Arguments } from '../arguments/spec.ts'
import type { streamsSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode } from '../failure.ts'
import { createTable } from '../output/table.ts'
import { shortTime } from '../output/units.ts'
import { openForReading } from '../store/open-store.ts'

const PAGE = 1000

/** `tidings streams`: the streams of the log in order of name. */
export async function runStreams(
  context: VerbContext,
  { options }: Arguments<typeof streamsSpec>,
): Promise<ExitCode> {
  const { t, out, signal } = context
  await using store = await openForReading(context)
  const table = createTable<StreamSummary>(out, [
    { title: t('column.stream'), value: ({ stream }) => stream },
    { title: t('column.events'), align: 'right', value: ({ version }) => String(version) },
    {
      title: t('column.first-seen'),
      value: ({ firstSeen }) => shortTime(firstSeen),
      plain: ({ firstSeen }) => firstSeen,
    },
    {
      title: t('column.last-seen'),
      value: ({ lastSeen }) => shortTime(lastSeen),
      plain: ({ lastSeen }) => lastSeen,
    },
  ])
  let after = options.after
  let left = options.limit ?? Number.POSITIVE_INFINITY
  while (left > 0) {
    const page = await store.catalog.streams({
      after,
      prefix: options.prefix,
      limit: Math.min(PAGE, left),
    })
    signal.throwIfAborted()
    if (out.json) for (const summary of page) await out.record(streamJson(summary))
    else await table.add(page)
    left -= page.length
    after = page.at(-1)?.stream
    if (page.length < PAGE) break
  }
  return exitCodes.done
}

function streamJson({
  stream,
  version,
  firstSeen,
  lastSeen,
}: StreamSummary): Record<string, unknown> {
  return { stream, version, first_seen: firstSeen, last_seen: lastSeen }
}
