import type { MigrationReport } from 'tidings/store'
import type { Arguments } from '../arguments/spec.ts'
import type { migrateSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode, wrongUsage } from '../failure.ts'
import { loadPostgres, readLocation } from '../store/open-store.ts'

type Options = Arguments<typeof migrateSpec>['options']

/** `tidings migrate`: the form of the tables, brought up to date or only looked at. */
export async function runMigrate(
  context: VerbContext,
  { options }: Arguments<typeof migrateSpec>,
): Promise<ExitCode> {
  const report = await migrate(context, options)
  const dryRun = options['dry-run']
  if (context.out.json) await context.out.record(toJson(report, dryRun))
  else if (dryRun && report.steps.length > 0)
    await context.out.line(describeScript(report, context))
  else for (const line of describe(report, context)) await context.out.line(line)
  return exitCodes.done
}

async function migrate(context: VerbContext, options: Options): Promise<MigrationReport> {
  const { t } = context
  const place = readLocation(context)
  const how = { dryRun: options['dry-run'] }
  if (place.kind === 'postgres') {
    const { migrateSchema } = await loadPostgres(context)
    return migrateSchema({ connection: place.url, schema: options.schema }, how)
  }
  if (place.kind === 'memory') throw wrongUsage(t('migrate.memory'), t('migrate.memory-hint'))
  if (options.schema !== undefined) {
    throw wrongUsage(t('migrate.no-schema', { location: context.location }), t('store.forms'))
  }
  const { migrateSchema } = await import('tidings/sqlite')
  return migrateSchema(place.file, how)
}

function describe(report: MigrationReport, { t }: VerbContext): readonly string[] {
  const { location, from, to, steps, minimumReader } = report
  if (steps.length === 0) return [t('migrate.current', { location, to })]
  const done =
    from === 0 ? t('migrate.made', { location, to }) : t('migrate.done', { location, from, to })
  return [done, t('migrate.oldest', { oldest: minimumReader })]
}

/** What is said stands in comments, so that the output is a script. */
function describeScript(report: MigrationReport, context: VerbContext): string {
  const { location, from, to, minimumReader } = report
  const { t } = context
  const said = [
    t('migrate.would', { location, from, to }),
    t('migrate.oldest', { oldest: minimumReader }),
  ].map((line) => `-- ${line}`)
  return [...said, '', report.script].join('\n')
}

function toJson(report: MigrationReport, dryRun: boolean): object {
  const { location, from, to, minimumReader, steps, script } = report
  return {
    store: location,
    dry_run: dryRun,
    from,
    to,
    oldest: minimumReader,
    steps: steps.map(({ number, minimumReader: oldest }) => ({ number, oldest })),
    sql: script,
  }
}
