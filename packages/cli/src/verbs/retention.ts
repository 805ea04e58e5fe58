import { hostname } from 'node:os'
import { resolve } from 'node:path'
import {
  archiveFolder,
  findHolds,
  HeldLease,
  historicRecords,
  oldestUnread,
  retainEvents,
  RETENTION,
  systemClock,
  type Deleted,
  type Retained,
  type RetentionChoice,
  type RetentionHold,
  type Store,
} from 'tidings'
import { confirm } from '../admin/confirm.ts'
import type { retentionSpec } from '../arguments/retention.ts'
import type { Arguments } from '../arguments/spec.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode, Failure, wrongUsage } from '../failure.ts'
import { createProgress } from '../output/progress.ts'
import { printable } from '../output/width.ts'
import { openForReading } from '../store/open-store.ts'

type Options = Arguments<typeof retentionSpec>['options']

/** `tidings retention`: what may be deleted, and what holds it back; deletes it where it is told to. */
export async function runRetention(
  context: VerbContext,
  { options }: Arguments<typeof retentionSpec>,
): Promise<ExitCode> {
  checkOptions(options, context)
  await using store = await openForReading(context)
  const choice = await readChoice(store, options)
  const holds = await findHolds(store, choice)
  if (options['dry-run'] || (choice === undefined && options.commands === undefined)) {
    await report(store, { choice, holds }, context)
    return exitCodes.done
  }
  const before = await store.retention.deleted()
  const lease = await takeLease(store, context)
  const progress = createProgress(context)
  try {
    const due = choice === undefined ? 0 : await countDue(store, choice)
    await ask(options, due, context)
    const done = await deleteAll(store, { choice, options, lease, due, progress, context })
    progress.end()
    const after = await store.retention.deleted()
    await reportDone({ done, before, after, options }, context)
    context.signal.throwIfAborted()
    return exitCodes.done
  } finally {
    progress.end()
    await lease.release()
  }
}

function checkOptions(options: Options, { t }: VerbContext): void {
  const { archive, gzip, stream, unsent, commands } = options
  const isAboutEvents = archive !== undefined || stream.length > 0 || unsent
  if (options['older-than'] === undefined) {
    if (isAboutEvents) throw wrongUsage(t('retention.needs-older'))
    if (options['dry-run'] && commands === undefined) throw wrongUsage(t('retention.needs-time'))
  }
  if (gzip && archive === undefined) throw wrongUsage(t('retention.needs-archive'))
}

async function readChoice(store: Store, options: Options): Promise<RetentionChoice | undefined> {
  const before = options['older-than']
  if (before === undefined) return undefined
  const { stream, ignore, unsent } = options
  const historic = historicRecords(await store.subscriptions.list())
  const streams = stream.length > 0 ? stream : undefined
  return { before, streams, ignore: [...historic, ...ignore], unsent }
}

const PAGE = 500

async function countDue(store: Store, choice: RetentionChoice): Promise<number> {
  let count = 0
  let after: number | undefined
  for (;;) {
    const page = await store.retention.due(choice, { after, limit: PAGE })
    count += page.length
    if (page.length < PAGE) return count
    after = page.at(-1)?.position
  }
}

interface Found {
  readonly choice: RetentionChoice | undefined
  readonly holds: readonly RetentionHold[]
}

/** Says what there is, and does nothing. */
async function report(store: Store, { choice, holds }: Found, context: VerbContext): Promise<void> {
  const { out, t } = context
  const due = choice === undefined ? undefined : await countDue(store, choice)
  const deleted = await store.retention.deleted()
  if (out.json) {
    await out.record({
      due: due ?? null,
      events_deleted: deleted.events,
      commands_deleted: deleted.commands,
      holds: holds.map(({ kind, name, position, count }) => ({
        kind,
        name: kind === 'parked' ? null : name,
        position: position ?? null,
        count: count ?? null,
      })),
    })
    return
  }
  if (due !== undefined) await out.line(t('retention.due', { events: due }))
  await out.line(t('retention.so-far', { ...deleted }))
  for (const hold of holds) await out.line(describeHold(hold, context))
}

function describeHold({ kind, name, position, count }: RetentionHold, { t }: VerbContext): string {
  if (kind === 'parked') return t('retention.hold.parked', { count: count ?? 0 })
  const place = { name: printable(name), position: String(position ?? 0) }
  return kind === 'reset'
    ? t('retention.hold.reset', place)
    : t('retention.hold.subscription', place)
}

const LEASE_MS = 30_000

/** One process at a time: the application deletes too, now and then. */
async function takeLease(store: Store, { t }: VerbContext): Promise<HeldLease> {
  const owner = `${hostname()}:${process.pid}:${RETENTION}`
  const lease = await HeldLease.take(store, RETENTION, {
    owner,
    leaseMs: LEASE_MS,
    clock: systemClock,
  })
  if (lease !== undefined) return lease
  throw new Failure('TIDINGS_CLI_BUSY', t('retention.busy'), { hint: t('retention.busy-hint') })
}

async function ask(options: Options, events: number, context: VerbContext): Promise<void> {
  const { t } = context
  const { archive, commands, yes } = options
  if (events > 0) {
    const question =
      archive === undefined
        ? t('retention.question', { events })
        : t('retention.question-archived', { events, folder: printable(archive) })
    await confirm(question, context, yes)
  } else if (commands !== undefined) {
    await confirm(t('retention.question-commands', { before: commands }), context, yes)
  }
}

interface Deletion {
  readonly choice: RetentionChoice | undefined
  readonly options: Options
  readonly lease: HeldLease
  readonly due: number
  readonly progress: ReturnType<typeof createProgress>
  readonly context: VerbContext
}

/** Between two transactions, milliseconds: others append meanwhile. */
const PAUSE_MS = 5

async function deleteAll(
  store: Store,
  { choice, options, lease, due, progress, context }: Deletion,
): Promise<Retained> {
  const { signal, cwd } = context
  const goOn = async (): Promise<boolean> => {
    await new Promise((after) => setTimeout(after, PAUSE_MS))
    return !signal.aborted && (await lease.holds())
  }
  if (options.commands !== undefined) await forgetOutcomes(store, options.commands, goOn)
  if (choice === undefined) return { removed: 0, archived: 0 }
  let removed = 0
  const { archive: folder, gzip } = options
  return retainEvents(store, {
    choice,
    archive: folder === undefined ? undefined : archiveFolder(resolve(cwd, folder), { gzip }),
    goOn,
    onRemoved(count) {
      removed += count
      progress.update(removed, removed / Math.max(due, 1))
    },
  })
}

async function forgetOutcomes(
  store: Store,
  before: string,
  goOn: () => Promise<boolean>,
): Promise<void> {
  const unread = await oldestUnread(store)
  const bound = unread === undefined || before < unread ? before : unread
  while (await goOn()) {
    if ((await store.commands.sweep(bound, PAGE)) < PAGE) return
  }
}

interface Done {
  readonly done: Retained
  readonly before: Deleted
  readonly after: Deleted
  readonly options: Options
}

async function reportDone(
  { done, before, after, options }: Done,
  { out, t, signal }: VerbContext,
): Promise<void> {
  const counts = { events: done.removed, commands: after.commands - before.commands }
  const { archive } = options
  if (out.json) {
    const interrupted = signal.aborted ? { interrupted: true } : {}
    await out.record({
      ...counts,
      archived: done.archived,
      archive: archive ?? null,
      ...interrupted,
    })
    return
  }
  await out.line(t('retention.done', counts))
  if (archive !== undefined) {
    const folder = printable(archive)
    await out.line(t('retention.archived', { events: done.archived, folder }))
  }
  if (signal.aborted) out.note(t('retention.interrupted'))
}
