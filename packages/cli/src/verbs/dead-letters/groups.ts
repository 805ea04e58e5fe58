import type { ParkedGroup } from 'tidings'
import { toJsonObject } from '../../admin/json.ts'
import { explainNoLetters } from '../../admin/choose-letters.ts'
import { openDesk } from '../../admin/open-desk.ts'
import type { groupsSpec } from '../../arguments/dead-letters.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'
import { createTable } from '../../output/table.ts'
import { shortTime } from '../../output/units.ts'

/** `tidings dead-letters groups`: the same error at the same place, the most first. */
export async function runGroups(
  context: VerbContext,
  { options }: Arguments<typeof groupsSpec>,
): Promise<ExitCode> {
  const { out, t } = context
  await using desk = await openDesk(context)
  const { subscription } = options
  const groups = await desk.admin.parked.groups({ subscription })
  if (groups.length === 0) {
    await explainNoLetters(desk.admin, { ...NOTHING_CHOSEN, subscription }, context)
  }
  if (out.json) {
    for (const group of groups) await out.record(toJsonObject(group))
    return exitCodes.done
  }
  await createTable<ParkedGroup>(out, [
    { title: t('column.fingerprint'), value: ({ fingerprint }) => fingerprint },
    { title: t('column.letters'), align: 'right', value: ({ count }) => String(count) },
    { title: t('column.subscription'), value: (group) => group.subscription },
    { title: t('column.type'), value: ({ eventType }) => eventType },
    {
      title: t('column.last-parked'),
      value: ({ lastParkedAt }) => shortTime(lastParkedAt),
      plain: ({ lastParkedAt }) => lastParkedAt,
    },
    { title: t('column.letter-id'), value: ({ sampleId }) => sampleId },
    { title: t('column.error'), value: ({ error }) => `${error.name}: ${error.message}` },
  ]).add(groups)
  return exitCodes.done
}

const NOTHING_CHOSEN = {
  id: [],
  group: undefined,
  key: undefined,
  type: undefined,
  reason: undefined,
  since: undefined,
  until: undefined,
}
