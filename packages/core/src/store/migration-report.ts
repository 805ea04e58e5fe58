/** A step from one form of a log's tables to the next. */
export interface MigrationStep {
  readonly number: number
  /** The lowest schema number that an application must know to work with a log in this form. */
  readonly minimumReader: number
  /** The statements. */
  readonly sql: string
}

/** What a migration has done, or would do. */
export interface MigrationReport {
  /** Of the store, without secrets. */
  readonly location: string
  /** The number of the schema before; 0 where there was no log. */
  readonly from: number
  /** The number that it has now, or would have. */
  readonly to: number
  /** The lowest number that a running application may have been written for; what knows less must be stopped first. */
  readonly minimumReader: number
  /** What was done, or would be; empty where nothing is left to do. */
  readonly steps: readonly MigrationStep[]
  /** All that is run, as one script with its transaction and lock; empty where nothing is. */
  readonly script: string
}

export interface MigrateOptions {
  /** Say what would be done, and change nothing. */
  readonly dryRun?: boolean | undefined
}

/** The lowest number that may still run once these steps are done. */
export function minimumReaderOf(
  steps: readonly Pick<MigrationStep, 'minimumReader'>[],
  before: number,
): number {
  return Math.max(before, ...steps.map(({ minimumReader }) => minimumReader))
}
