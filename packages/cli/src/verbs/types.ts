import type { TypeSummary } from 'tidings'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode } from '../failure.ts'
import { createTable } from '../output/table.ts'
import { shortTime } from '../output/units.ts'
import { openForReading } from '../store/open-store.ts'
import { formatNumber } from '../texts/texts.ts'

/** `tidings types`: which types of event the log holds, most frequent first. */
export async function runTypes(context: VerbContext): Promise<ExitCode> {
  const { t, out } = context
  await using store = await openForReading(context)
  const types = (await store.catalog.types()).toSorted(
    (a, b) => b.count - a.count || (a.eventType < b.eventType ? -1 : 1),
  )
  if (out.json) {
    for (const summary of types) await out.record(typeJson(summary))
    return exitCodes.done
  }
  await createTable<TypeSummary>(out, [
    { title: t('column.type'), value: ({ eventType }) => eventType },
    {
      title: t('column.events'),
      align: 'right',
      value: ({ count }) => formatNumber(count),
      plain: ({ count }) => String(count),
    },
    { title: t('column.versions'), value: ({ versions }) => versions.join(',') },
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
  ]).add(types)
  return exitCodes.done
}

function typeJson({
  eventType,
  count,
  versions,
  firstSeen,
  lastSeen,
}: TypeSummary): Record<string, unknown> {
  return { event_type: eventType, count, versions, first_seen: firstSeen, last_seen: lastSeen }
}
