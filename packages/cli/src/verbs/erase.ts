import { systemIds, type ErasureRecord, type Store } from 'tidings'
import { readAsker } from '../admin/asker.ts'
import { confirm } from '../admin/confirm.ts'
import type { eraseSpec } from '../arguments/retention.ts'
import type { Arguments } from '../arguments/spec.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode, wrongUsage } from '../failure.ts'
import { printable } from '../output/width.ts'
import { openForReading } from '../store/open-store.ts'

/** `tidings erase`: empties payloads for good, and keeps that it was done. */
export async function runErase(
  context: VerbContext,
  { options }: Arguments<typeof eraseSpec>,
): Promise<ExitCode> {
  const { t, out } = context
  const named = { streams: options.stream, eventIds: options.event }
  if (options.list) return listErasures(context)
  if (named.streams.length + named.eventIds.length === 0) throw wrongUsage(t('erase.nothing'))
  const { by, reason } = readAsker(options)
  if (!options['dry-run'] && reason.trim() === '') throw wrongUsage(t('erase.no-reason'))
  await using store = await openForReading(context)
  const counts = await store.retention.planErasure(named)
  if (options['dry-run']) {
    if (out.json) await out.record({ dry_run: true, ...counts })
    else await out.line(`${t('erase.would')} ${t('erase.counts', { ...counts })}`)
    return exitCodes.done
  }
  await confirm(t('erase.question', { events: counts.events }), context, options.yes)
  const record = await store.retention.erase({
    erasureId: systemIds.newId(context.now()),
    ...named,
    requestedBy: by,
    reason,
  })
  await printErased(record, context)
  return exitCodes.done
}

async function printErased(record: ErasureRecord, { out, t }: VerbContext): Promise<void> {
  const { erasureId: id, counts } = record
  await (out.json
    ? out.record(erasureJson(record))
    : out.line(`${t('erase.done', { id })} ${t('erase.counts', { ...counts })}`))
}

function erasureJson(record: ErasureRecord): Record<string, unknown> {
  const { erasureId, erasedAt, requestedBy, reason, request, counts } = record
  return {
    erasure_id: erasureId,
    erased_at: erasedAt,
    requested_by: requestedBy,
    reason,
    request,
    ...counts,
  }
}

async function listErasures(context: VerbContext): Promise<ExitCode> {
  const { out, t } = context
  await using store: Store = await openForReading(context)
  const erasures = await store.retention.erasures()
  for (const record of erasures) {
    const { erasureId: id, erasedAt: time, requestedBy, reason, counts } = record
    if (out.json) {
      await out.record(erasureJson(record))
      continue
    }
    const who = { by: printable(requestedBy), reason: printable(reason) }
    await out.line(t('erase.one', { time, id, ...who }))
    await out.line(`  ${t('erase.counts', { ...counts })}`)
  }
  if (erasures.length === 0 && !out.json) await out.line(t('erase.none'))
  return exitCodes.done
}
