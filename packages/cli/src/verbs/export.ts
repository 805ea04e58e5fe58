import { encodeEvent } from 'tidings/contract'
import type { Arguments } from '../arguments/spec.ts'
import type { exportSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode } from '../failure.ts'
import { openTarget } from '../export/open-target.ts'
import { createProgress } from '../output/progress.ts'
import { selectEvents } from '../store/filter.ts'
import { openForReading } from '../store/open-store.ts'

/** `tidings export`: the log as NDJSON that `import` reads back. */
export async function runExport(
  context: VerbContext,
  { options }: Arguments<typeof exportSpec>,
): Promise<ExitCode> {
  const { out, t, signal } = context
  await using store = await openForReading(context)
  const { filter, read } = await selectEvents(store, options, context)
  const format = options.format ?? 'tidings'
  const head = await store.head()
  const progress = createProgress(context)
  await using target = await openTarget(options.out, context)
  let events = 0
  for await (const page of store.query(filter, { ...read, signal }).pages()) {
    for (const event of page) await target.write(`${encodeEvent(event, format)}\n`)
    events += page.length
    progress.update(events, (page.at(-1)?.position ?? 0) / Math.max(head, 1))
  }
  signal.throwIfAborted()
  progress.end()
  await target.finish()
  if (options.out === undefined) return exitCodes.done
  await (out.json
    ? out.record({ events, file: target.file })
    : out.line(t('export.done', { events, file: options.out })))
  return exitCodes.done
}
