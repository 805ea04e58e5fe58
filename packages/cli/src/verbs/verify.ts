import type { Deleted, Store } from 'tidings'
import type { StoredEnvelope } from 'tidings/contract'
import type { Arguments } from '../arguments/spec.ts'
import type { verifySpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { loadContracts } from '../contracts/load-contracts.ts'
import { exitCodes, type ExitCode } from '../failure.ts'
import { createProgress } from '../output/progress.ts'
import { printable } from '../output/width.ts'
import { openForReading } from '../store/open-store.ts'
import { createCauseCheck } from '../verify/causes.ts'
import { createPayloadCheck, type PayloadCheck } from '../verify/payloads.ts'
import { faultJson, type Fault } from '../verify/fault.ts'

/** `tidings verify`: everything that is wrong with a log. */
export async function runVerify(
  context: VerbContext,
  { options }: Arguments<typeof verifySpec>,
): Promise<ExitCode> {
  const { out, t, signal } = context
  await using store = await openForReading(context)
  const registry =
    options.contracts === undefined
      ? undefined
      : (await loadContracts(options.contracts, context)).registry
  const payloads = createPayloadCheck(registry, await store.contracts.list(), t)
  let faults = 0
  const print = async (fault: Fault): Promise<void> => {
    faults++
    if (out.json) await out.record(faultJson(fault))
    else await out.line(describeFault(fault, context))
  }
  for await (const fault of store.catalog.verify({ signal }))
    await print({ ...fault, eventId: undefined })
  const deleted = await store.retention.deleted()
  const { partial } = options
  const events = await checkEvents(store, { print, payloads, partial, deleted, context })
  signal.throwIfAborted()
  await summarize({ events, faults, payloads, deleted }, context)
  return faults === 0 ? exitCodes.done : exitCodes.failed
}

interface EventChecks {
  readonly print: (fault: Fault) => Promise<void>
  readonly payloads: PayloadCheck
  readonly partial: boolean
  readonly deleted: Deleted
  readonly context: VerbContext
}

async function checkEvents(
  store: Store,
  { print, payloads, partial, deleted, context }: EventChecks,
): Promise<number> {
  const { t, signal } = context
  const forgets = deleted.events + deleted.commands > 0
  const findMissingCause = partial ? undefined : createCauseCheck(store, t, { forgets })
  const head = await store.head()
  const progress = createProgress(context)
  const checkOne = async (event: StoredEnvelope): Promise<void> => {
    const found = event.erased === true ? undefined : payloads.check(event)
    for (const fault of [await findMissingCause?.(event), found]) {
      if (fault !== undefined) await print(fault)
    }
  }
  let events = 0
  try {
    for await (const page of store.readAll({ signal }).pages()) {
      for (const event of page) await checkOne(event)
      events += page.length
      progress.update(events, (page.at(-1)?.position ?? 0) / Math.max(head, 1))
    }
  } finally {
    progress.end()
  }
  return events
}

function describeFault({ code, message, position, stream }: Fault, { out }: VerbContext): string {
  const place = [position === undefined ? undefined : `@${position}`, stream].filter(
    (part) => part !== undefined,
  )
  const where = place.length === 0 ? '' : ` ${printable(place.join(' '))}`
  return `${out.paint('red', code)}${where}: ${printable(message)}`
}

interface Summary {
  readonly events: number
  readonly faults: number
  readonly payloads: PayloadCheck
  readonly deleted: Deleted
}

async function summarize(
  { events, faults, payloads, deleted }: Summary,
  { out, t }: VerbContext,
): Promise<void> {
  const { checked, unchecked } = payloads
  const forgot = deleted.events + deleted.commands > 0
  if (out.json) {
    await out.record({
      ok: faults === 0,
      events,
      faults,
      payloads_checked: checked,
      payloads_unchecked: unchecked,
      ...(forgot ? { events_deleted: deleted.events, commands_deleted: deleted.commands } : {}),
    })
    return
  }
  await out.line(
    faults === 0
      ? out.paint('green', t('verify.clean', { events }))
      : out.paint('red', t('verify.faults', { events, faults })),
  )
  await out.line(t('verify.payloads', { checked, unchecked }))
  if (forgot) await out.line(t('verify.deleted', { ...deleted }))
}
