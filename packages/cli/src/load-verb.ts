import type { Arguments, VerbSpec } from './arguments/spec.ts'
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
}

/** The function behind a verb. Its arguments must have been read by the verb's own table. */
export async function loadVerb(name: VerbName): Promise<RunVerb<VerbSpec>> {
  return (await loaders[name]()) as RunVerb<VerbSpec>
}
