import { explainNoLetters, pagesOf, readFilter } from '../../admin/choose-letters.ts'
import { readLetterEvent } from '../../admin/letter-event.ts'
import { openDesk } from '../../admin/open-desk.ts'
import type { exportSpec } from '../../arguments/dead-letters.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { VerbContext } from '../../context.ts'
import { openTarget } from '../../export/open-target.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'
import { wholeLetterJson } from './show.ts'

/** `tidings dead-letters export`: each with everything, or the events alone for `tidings import`. */
export async function runExport(
  context: VerbContext,
  { options }: Arguments<typeof exportSpec>,
): Promise<ExitCode> {
  const { out, t, signal } = context
  await using desk = await openDesk(context)
  const filter = readFilter(options, context)
  await using target = await openTarget(options.out, context)
  let written = 0
  let left = 0
  for await (const page of pagesOf(desk.admin, filter, { limit: options.limit, signal })) {
    for (const letter of page) {
      const event = await readLetterEvent(desk.store, letter)
      if (options.format !== 'events') {
        await target.write(`${JSON.stringify(wholeLetterJson(letter, event))}\n`)
      } else if (event.kind === 'event') await target.write(`${JSON.stringify(event.wire)}\n`)
      else left++
      written++
    }
  }
  signal.throwIfAborted()
  await target.finish()
  if (written === 0) await explainNoLetters(desk.admin, options, context)
  if (left > 0) out.note(t('dead-letters.export.left', { left }))
  if (options.out !== undefined) {
    const letters = written - left
    await (out.json
      ? out.record({ letters, file: target.file })
      : out.line(t('dead-letters.export.done', { letters, file: options.out })))
  }
  return left > 0 ? exitCodes.doneWithRejects : exitCodes.done
}
