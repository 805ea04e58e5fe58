import { isUuid, toWire } from 'tidings/contract'
import type { Arguments } from '../arguments/spec.ts'
import type { showSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode, Failure, wrongUsage } from '../failure.ts'
import { printFields } from '../output/fields.ts'
import { openForReading } from '../store/open-store.ts'

/** `tidings show`: one event, whole. */
export async function runShow(
  context: VerbContext,
  { rest }: Arguments<typeof showSpec>,
): Promise<ExitCode> {
  const { t, out } = context
  const id = rest[0] ?? ''
  if (!isUuid(id)) throw wrongUsage(t('show.not-an-id', { value: id }), t('show.find-ids'))
  await using store = await openForReading(context)
  const event = await store.findEvent(id.toLowerCase())
  if (event === undefined) {
    const hint =
      (await store.commands.find(id.toLowerCase())) === undefined
        ? t('show.find-ids')
        : t('show.is-command', { id })
    throw new Failure('TIDINGS_CLI_NO_EVENT', t('show.missing', { id, store: store.location }), {
      hint,
      facts: { event_id: id },
    })
  }
  const json = toWire(event)
  if (out.json) {
    await out.record(json)
    return exitCodes.done
  }
  const { payload, metadata, ...fields } = json
  await printFields(
    out,
    Object.entries(fields).map(([name, value]) => [name, describe(value)]),
  )
  await printJson(context, 'metadata', metadata)
  await printJson(context, 'payload', payload)
  return exitCodes.done
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return '-'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

async function printJson({ out }: VerbContext, name: string, value: unknown): Promise<void> {
  await out.line(out.paint('bold', name))
  for (const line of JSON.stringify(value, undefined, 2).split('\n')) await out.line(`  ${line}`)
}
