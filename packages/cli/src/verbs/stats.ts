import { describeInLine } from '../admin/describe-subscription.ts'
import { toJsonObject } from '../admin/json.ts'
import { readSubscriptions } from '../admin/read-subscriptions.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode } from '../failure.ts'
import { printFields } from '../output/fields.ts'
import { formatBytes } from '../output/units.ts'
import { openForReading } from '../store/open-store.ts'
import { formatNumber } from '../texts/texts.ts'

/** `tidings stats`: the log in a few figures. */
export async function runStats(context: VerbContext): Promise<ExitCode> {
  const { t, out } = context
  await using store = await openForReading(context)
  const stats = await store.catalog.stats()
  const subscriptions = await readSubscriptions(store)
  if (out.json) {
    await out.record({
      store: store.location,
      events: stats.events,
      streams: stats.streams,
      types: stats.types,
      commands: stats.commands,
      head: stats.head,
      first_recorded_at: stats.firstRecordedAt ?? null,
      last_recorded_at: stats.lastRecordedAt ?? null,
      bytes: stats.bytes ?? null,
      subscriptions: subscriptions.map(toJsonObject),
    })
    return exitCodes.done
  }
  await printFields(out, [
    [t('stats.store'), store.location],
    [t('stats.events'), formatNumber(stats.events)],
    [t('stats.streams'), formatNumber(stats.streams)],
    [t('stats.types'), formatNumber(stats.types)],
    [t('stats.commands'), formatNumber(stats.commands)],
    [t('stats.head'), String(stats.head)],
    [t('stats.first-recorded'), stats.firstRecordedAt ?? '-'],
    [t('stats.last-recorded'), stats.lastRecordedAt ?? '-'],
    [t('stats.bytes'), stats.bytes === undefined ? '-' : formatBytes(stats.bytes)],
    ...subscriptions.map((one): readonly [string, string] => [
      t('stats.subscription', { name: one.name }),
      describeInLine(one, t),
    ]),
  ])
  return exitCodes.done
}
