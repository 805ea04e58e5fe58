import type { StartFrom } from 'tidings'
import { readAsker } from '../../admin/asker.ts'
import { carryOut } from '../../admin/carry-out.ts'
import { confirm } from '../../admin/confirm.ts'
import { openDesk } from '../../admin/open-desk.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { pauseSpec, resetSpec, resumeSpec } from '../../arguments/subscriptions.ts'
import type { VerbContext } from '../../context.ts'
import { type ExitCode, wrongUsage } from '../../failure.ts'
import { parseTime } from '../../time.ts'

/** `tidings subscriptions pause`: it handles nothing until it is resumed. */
export function runPause(
  context: VerbContext,
  call: Arguments<typeof pauseSpec>,
): Promise<ExitCode> {
  return ask('pause', context, call)
}

/** `tidings subscriptions resume`. */
export function runResume(
  context: VerbContext,
  call: Arguments<typeof resumeSpec>,
): Promise<ExitCode> {
  return ask('resume', context, call)
}

async function ask(
  kind: 'pause' | 'resume',
  context: VerbContext,
  { options, rest }: Arguments<typeof pauseSpec>,
): Promise<ExitCode> {
  await using desk = await openDesk(context, options)
  const subscription = rest[0] ?? ''
  const operation = await desk.admin.request({ kind, subscription, ...readAsker(options) })
  return await carryOut(desk, operation, { context, carrying: options })
}

/** `tidings subscriptions reset`: begins the next generation, from another place of the log. */
export async function runReset(
  context: VerbContext,
  { options, rest }: Arguments<typeof resetSpec>,
): Promise<ExitCode> {
  const { t } = context
  const to = readPlace(options.to, context)
  await using desk = await openDesk(context, options)
  const { name, position, parked } = await desk.admin.subscription(rest[0] ?? '')
  const place = options.to ?? ''
  await confirm(t('reset.question', { name, place, position, parked }), context, options.yes)
  const operation = await desk.admin.request({
    kind: 'reset',
    subscription: name,
    to,
    ...readAsker(options),
  })
  return await carryOut(desk, operation, { context, carrying: options })
}

/** @throws {Failure} wrong usage: not one of the forms */
function readPlace(text: string | undefined, { t, now }: VerbContext): StartFrom {
  if (text === 'beginning' || text === 'end') return text
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text)
  const time = text === undefined ? undefined : parseTime(text, now())
  if (time !== undefined) return { time }
  throw wrongUsage(
    text === undefined ? t('reset.no-place') : t('reset.not-a-place', { value: text }),
    t('reset.forms'),
  )
}
