import type { OperationRecord, OperationStatus, RedriveVerdict } from 'tidings'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode } from '../failure.ts'
import { createProgress } from '../output/progress.ts'
import { printable } from '../output/width.ts'
import { operationJson } from './json.ts'
import type { Desk } from './open-desk.ts'

/** What is left to do once an operation is stored. */
export interface Carrying {
  readonly wait: boolean
  readonly run: boolean
}

/** Says who will carry it out; with `--run` does so itself where nobody else does; with `--wait` waits for its end. */
export async function carryOut(
  desk: Desk,
  operation: OperationRecord,
  { context, carrying }: { readonly context: VerbContext; readonly carrying: Carrying },
): Promise<ExitCode> {
  const { out, t } = context
  const { subscription, operationId, kind } = operation
  const { owner } = await desk.admin.subscription(subscription)
  const isMine = carrying.run && owner === undefined
  if (isMine) desk.start?.(subscription)
  const who =
    owner !== undefined
      ? t('carry.owner', { owner, subscription })
      : isMine
        ? t('carry.here', { subscription })
        : t('carry.nobody', { subscription })
  if (carrying.wait || carrying.run) {
    out.note(t('carry.stored', { kind, id: operationId }))
    out.note(who)
    return waitForEnd(desk, operationId, context)
  }
  if (out.json) await out.record({ ...operationJson(operation), owner: owner ?? null })
  else {
    await out.line(t('carry.stored', { kind, id: operationId }))
    out.note(who)
  }
  return exitCodes.done
}

/** Shows how far an operation is until it has ended, then what became of it. */
export async function waitForEnd(
  { admin }: Pick<Desk, 'admin'>,
  operationId: string,
  context: VerbContext,
): Promise<ExitCode> {
  const { out, signal, t } = context
  const progress = createProgress(context)
  let last: OperationStatus | undefined
  try {
    for await (const status of admin.follow(operationId, { signal })) {
      last = status
      const { done, total } = status
      progress.update(done, total === undefined ? undefined : done / Math.max(1, total))
    }
  } finally {
    progress.end()
    if (signal.aborted) out.note(t('carry.goes-on', { id: operationId }))
  }
  const { operation } = last ?? { operation: await requireIt(admin, operationId) }
  await (out.json
    ? out.record(operationJson(operation))
    : out.line(describeEnd(operation, context)))
  return exitCodeOf(operation)
}

async function requireIt(admin: Desk['admin'], operationId: string): Promise<OperationRecord> {
  return (await admin.ended(operationId)).operation
}

function exitCodeOf({ state, kind, result }: OperationRecord): ExitCode {
  if (state !== 'done') return exitCodes.failed
  if (kind !== 'redrive') return exitCodes.done
  const left = numberIn(result, 'parkedAgain') + numberIn(result, 'refused')
  return left > 0 ? exitCodes.doneWithRejects : exitCodes.done
}

/** What became of an operation, in a line. */
export function describeEnd(operation: OperationRecord, { t, out }: VerbContext): string {
  const { state, kind, subscription, result, error } = operation
  const { paint } = out
  if (state === 'failed')
    return paint('red', t('end.failed', { kind, error: printable(error ?? '') }))
  const what = describeResult(operation, t)
  if (state === 'cancelled') return paint('yellow', t('end.cancelled', { kind, what }))
  const isClean = numberIn(result, 'parkedAgain') + numberIn(result, 'refused') === 0
  return paint(isClean ? 'green' : 'yellow', t('end.done', { kind, subscription, what })).trimEnd()
}

function describeResult({ kind, result }: OperationRecord, t: VerbContext['t']): string {
  switch (kind) {
    case 'redrive':
      return describeRedrive(result, t)
    case 'discard':
      return t('end.discard', { discarded: numberIn(result, 'discarded') })
    case 'reset':
      return t('end.reset', { generation: numberIn(result, 'generation') })
    default:
      return ''
  }
}

function describeRedrive(result: OperationRecord['result'], t: VerbContext['t']): string {
  const said = t('end.redrive', {
    resolved: numberIn(result, 'resolved'),
    parked: numberIn(result, 'parkedAgain'),
    refused: numberIn(result, 'refused'),
  })
  const earlier = numberIn(result, 'earlier')
  return earlier === 0 ? said : `${said} ${t('end.redrive-earlier', { earlier })}`
}

function numberIn(result: OperationRecord['result'], name: string): number {
  const value = result?.[name]
  return typeof value === 'number' ? value : 0
}

/** What a redrive would do with an event, in words. */
export function describeVerdict(
  verdict: RedriveVerdict,
  behind: string | undefined,
  t: VerbContext['t'],
): string {
  const id = behind ?? ''
  switch (verdict) {
    case 'runs':
      return t('verdict.runs')
    case 'runs-after':
      return t('verdict.runs-after', { id })
    case 'follows':
      return t('verdict.follows', { id })
    case 'waits':
      return t('verdict.waits', { id })
    case 'refused':
      return t('verdict.refused')
    case 'under-way':
      return t('verdict.under-way')
    case 'finished':
      return t('verdict.finished')
    default:
      return t('verdict.earlier')
  }
}
