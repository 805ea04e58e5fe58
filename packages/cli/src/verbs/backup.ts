import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Arguments } from '../arguments/spec.ts'
import type { backupSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode, Failure } from '../failure.ts'
import { formatBytes } from '../output/units.ts'
import { openSqliteFile } from '../store/open-store.ts'

/** `tidings backup`: a whole copy of the log, also while others write to it. */
export async function runBackup(
  context: VerbContext,
  { rest }: Arguments<typeof backupSpec>,
): Promise<ExitCode> {
  const { t, out, cwd } = context
  const file = resolve(cwd, rest[0] ?? '')
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) {
    throw new Failure('TIDINGS_CLI_FILE', t('backup.exists', { file }), {
      hint: t('backup.exists-hint'),
      facts: { file },
    })
  }
  await using store = await openSqliteFile(context)
  await store.backup(file)
  const { size } = statSync(file)
  await (out.json
    ? out.record({ file, bytes: size })
    : out.line(t('backup.done', { file, size: formatBytes(size) })))
  return exitCodes.done
}
