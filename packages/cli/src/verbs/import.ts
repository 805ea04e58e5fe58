import { resolve } from 'node:path'
import type { Arguments } from '../arguments/spec.ts'
import type { importSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { loadContracts } from '../contracts/load-contracts.ts'
import { exitCodes, type ExitCode, wrongUsage } from '../failure.ts'
import { importEvents, type ImportResult } from '../import/import-events.ts'
import { openInput } from '../import/open-input.ts'
import { openRejects, type Rejects } from '../import/rejects.ts'
import { keepNewSpaceSmall } from '../import/steady-memory.ts'
import { createProgress } from '../output/progress.ts'
import { openForWriting } from '../store/open-store.ts'

/** 16 MiB: far above any event, far below what would fill the memory. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/** `tidings import`: a file or a pipe of events into the log. */
export async function runImport(
  context: VerbContext,
  { options, rest }: Arguments<typeof importSpec>,
): Promise<ExitCode> {
  const { t, cwd, signal } = context
  const name = rest[0] ?? ''
  const rejectsFile = chooseRejectsFile(name, options.rejects, context)
  if (options.unknown !== undefined && options.contracts === undefined)
    throw wrongUsage(t('import.unknown-needs-contracts'))
  const registry =
    options.contracts === undefined
      ? undefined
      : (await loadContracts(options.contracts, context)).registry
  keepNewSpaceSmall()
  const input = await openInput(name, context)
  await using store = await openForWriting(context)
  const rejects = openRejects(resolve(cwd, rejectsFile), context)
  const progress = createProgress(context)
  const startMs = context.now()
  const rules = {
    registry,
    unknown: options.unknown ?? 'reject',
    maxEventBytes: options['max-event-bytes'],
    maxLineBytes: MAX_LINE_BYTES,
    defaultTime: options['default-time'],
    t,
  } as const
  try {
    const result = await importEvents({ input, store, rejects, rules, progress, context })
    progress.end()
    await report(result, rejects, { context, seconds: (context.now() - startMs) / 1000 })
    signal.throwIfAborted()
    return rejects.count === 0 ? exitCodes.done : exitCodes.doneWithRejects
  } finally {
    progress.end()
    rejects.close()
  }
}

function chooseRejectsFile(
  name: string,
  asked: string | undefined,
  { t, cwd }: VerbContext,
): string {
  const file = asked ?? (name === '-' ? 'stdin.rejects.ndjson' : `${name}.rejects.ndjson`)
  if (resolve(cwd, file) !== resolve(cwd, name)) return file
  throw wrongUsage(t('import.rejects-is-input', { file }))
}

async function report(
  { read, stored, duplicates, streams, types, lastLine, interrupted }: ImportResult,
  rejects: Rejects,
  { context: { out, t }, seconds }: { readonly context: VerbContext; readonly seconds: number },
): Promise<void> {
  const rejected = rejects.count
  if (out.json) {
    const figures = { read, stored, duplicates, rejected, streams, types, seconds }
    await out.record(interrupted ? { ...figures, interrupted } : figures)
    return
  }
  await out.line(t('import.done', { read, stored, duplicates, rejected }))
  await out.line(t('import.done-kinds', { streams, types, seconds: seconds.toFixed(1) }))
  for (const [code, count] of rejects.byCode)
    await out.line(t('import.rejects-of', { code, count }))
  if (rejected > 0)
    await out.line(out.paint('yellow', t('import.rejects-in', { file: rejects.file })))
  if (interrupted) out.note(t('import.interrupted', { line: String(lastLine) }))
}
