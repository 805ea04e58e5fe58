import type { Arguments, VerbSpec } from './arguments/spec.ts'
import type { deadLettersGroup } from './arguments/dead-letters.ts'
import type { operationsGroup, subscriptionsGroup } from './arguments/subscriptions.ts'
import type { VerbName, verbTable } from './arguments/verb-table.ts'
import type { VerbContext } from './context.ts'
import type { ExitCode } from './failure.ts'

type SpecOf<Name extends VerbName> = Extract<(typeof verbTable)[number], { readonly name: Name }>

type RunVerb<Spec extends VerbSpec> = (
  context: VerbContext,
  call: Arguments<Spec>,
) => Promise<ExitCode>

// Each verb is loaded when it is called: all of them together would double the time to the first line.
const loaders: { readonly [Name in VerbName]: () => Promise<RunVerb<SpecOf<Name>>> } = {
  import: async () => (await import('./verbs/import.ts')).runImport,
  events: async () => (await import('./verbs/events.ts')).runEvents,
  show: async () => (await import('./verbs/show.ts')).runShow,
  trace: async () => (await import('./verbs/trace.ts')).runTrace,
  streams: async () => (await import('./verbs/streams.ts')).runStreams,
  types: async () => (await import('./verbs/types.ts')).runTypes,
  stats: async () => (await import('./verbs/stats.ts')).runStats,
  export: async () => (await import('./verbs/export.ts')).runExport,
  verify: async () => (await import('./verbs/verify.ts')).runVerify,
  'lint-names': async () => (await import('./verbs/lint-names.ts')).runLintNames,
  doctor: async () => (await import('./verbs/doctor.ts')).runDoctor,
  backup: async () => (await import('./verbs/backup.ts')).runBackup,
  retention: async () => (await import('./verbs/retention.ts')).runRetention,
  erase: async () => (await import('./verbs/erase.ts')).runErase,
  migrate: async () => (await import('./verbs/migrate.ts')).runMigrate,
}

type GroupLoaders<Group extends { readonly verbs: readonly VerbSpec[] }> = {
  readonly [Name in Group['verbs'][number]['name']]: () => Promise<
    RunVerb<Extract<Group['verbs'][number], { readonly name: Name }>>
  >
}

const ofDeadLetters: GroupLoaders<typeof deadLettersGroup> = {
  list: async () => (await import('./verbs/dead-letters/list.ts')).runList,
  groups: async () => (await import('./verbs/dead-letters/groups.ts')).runGroups,
  show: async () => (await import('./verbs/dead-letters/show.ts')).runShow,
  redrive: async () => (await import('./verbs/dead-letters/redrive.ts')).runRedrive,
  discard: async () => (await import('./verbs/dead-letters/discard.ts')).runDiscard,
  export: async () => (await import('./verbs/dead-letters/export.ts')).runExport,
}

const ofSubscriptions: GroupLoaders<typeof subscriptionsGroup> = {
  list: async () => (await import('./verbs/subscriptions/list.ts')).runList,
  show: async () => (await import('./verbs/subscriptions/show.ts')).runShow,
  pause: async () => (await import('./verbs/subscriptions/ask.ts')).runPause,
  resume: async () => (await import('./verbs/subscriptions/ask.ts')).runResume,
  reset: async () => (await import('./verbs/subscriptions/ask.ts')).runReset,
}

const ofOperations: GroupLoaders<typeof operationsGroup> = {
  list: async () => (await import('./verbs/operations/list.ts')).runList,
  show: async () => (await import('./verbs/operations/show.ts')).runShow,
  cancel: async () => (await import('./verbs/operations/cancel.ts')).runCancel,
}

const groups: Readonly<Record<string, Readonly<Record<string, () => Promise<unknown>>>>> = {
  'dead-letters': ofDeadLetters,
  subscriptions: ofSubscriptions,
  operations: ofOperations,
}

/** The function behind a verb. Its arguments must have been read by the verb's own table. */
export async function loadVerb({ name, group }: VerbSpec): Promise<RunVerb<VerbSpec>> {
  const load = group === undefined ? loaders[name as VerbName] : groups[group]?.[name]
  return (await load?.()) as RunVerb<VerbSpec>
}
