import pg from 'pg'
import { toIsoTime } from 'tidings'
import { version, type MigrationStep } from 'tidings/store'

import type { PostgresSettings } from '../options.ts'
import { inSchema, lockOf } from './in-schema.ts'

/** What a step does, and that it was done. */
export function statementsOf(step: MigrationStep, { quoted, clock }: PostgresSettings): string {
  const values = [
    step.number,
    step.minimumReader,
    pg.escapeLiteral(toIsoTime(clock.now())),
    pg.escapeLiteral(`tidings ${version}`),
  ]
  return `${step.sql.trim()}\ninsert into ${quoted}.schema_version values (${values.join(', ')});`
}

export function versionTable(schema: string): string {
  return `create table if not exists ${schema}.schema_version (
  number         integer primary key,
  minimum_reader integer not null,
  at             timestamptz not null,
  by             text not null
)`
}

/** Waits until nobody else changes the form of this log. */
export function lockSchema({ quoted }: PostgresSettings): string {
  return inSchema(`select pg_advisory_xact_lock(${lockOf('schema')})`, quoted)
}

/** All that a migration runs, for `psql`. */
export function scriptOf(steps: readonly MigrationStep[], settings: PostgresSettings): string {
  if (steps.length === 0) return ''
  return [
    'begin;',
    `${lockSchema(settings)};`,
    `create schema if not exists ${settings.quoted};`,
    `${versionTable(settings.quoted)};`,
    ...steps.map((step) => statementsOf(step, settings)),
    'commit;',
  ].join('\n\n')
}
