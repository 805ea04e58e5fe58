import { eraseSpec, retentionSpec } from './retention.ts'
import type { OptionSpec, VerbSpec } from './spec.ts'

type Options = Readonly<Record<string, OptionSpec>>

/** What every verb takes. */
export const commonOptions = {
  store: { kind: 'text', value: 'STORE', text: 'option.store' },
  json: { kind: 'flag', text: 'option.json' },
  lang: { kind: 'choice', choices: ['en', 'zh'], text: 'option.lang' },
  help: { kind: 'flag', text: 'option.help' },
  version: { kind: 'flag', text: 'option.version' },
} as const satisfies Options

const contracts = {
  contracts: { kind: 'text', value: 'MODULE', text: 'option.contracts' },
} as const satisfies Options

const filters = {
  type: { kind: 'texts', value: 'GLOB', text: 'option.type' },
  stream: { kind: 'text', value: 'ID', text: 'option.stream' },
  correlation: { kind: 'text', value: 'ID', text: 'option.correlation' },
  tenant: { kind: 'text', value: 'NAME', text: 'option.tenant' },
  since: { kind: 'time', value: 'TIME', text: 'option.since' },
  until: { kind: 'time', value: 'TIME', text: 'option.until' },
  after: { kind: 'position', value: 'POSITION', text: 'option.after' },
  limit: { kind: 'count', least: 1, value: 'N', text: 'option.limit' },
} as const satisfies Options

export const importSpec = {
  name: 'import',
  summary: 'import.summary',
  notes: [
    'import.note.formats',
    'import.note.again',
    'import.note.foreign',
    'import.note.sensitive',
  ],
  argument: { value: 'FILE|-', least: 1, most: 1, text: 'import.argument' },
  options: {
    ...contracts,
    unknown: { kind: 'choice', choices: ['reject', 'keep'], text: 'import.option.unknown' },
    rejects: { kind: 'text', value: 'FILE', text: 'import.option.rejects' },
    'default-time': { kind: 'time', value: 'TIME', text: 'import.option.default-time' },
    'max-event-bytes': {
      kind: 'count',
      least: 1,
      value: 'N',
      text: 'import.option.max-event-bytes',
    },
  },
  examples: [
    { line: 'import permits.ndjson', text: 'import.example.plain' },
    {
      line: 'import events.ndjson.gz --store sqlite:app.db --contracts ./src/contracts.ts',
      text: 'import.example.contracts',
    },
    { line: 'import permits.ndjson --store memory:', text: 'import.example.rehearse' },
    {
      line: 'export --store sqlite:old.db | tidings import - --store sqlite:new.db',
      text: 'import.example.pipe',
    },
  ],
} as const satisfies VerbSpec

export const eventsSpec = {
  name: 'events',
  summary: 'events.summary',
  notes: ['note.filters', 'events.note.pipe'],
  options: {
    ...filters,
    reverse: { kind: 'flag', text: 'events.option.reverse' },
    follow: { kind: 'flag', text: 'events.option.follow' },
    ...contracts,
  },
  examples: [
    { line: 'events --reverse --limit 20', text: 'events.example.latest' },
    { line: "events --type 'Todo.**' --since 2h", text: 'events.example.type' },
    {
      line: 'events --stream Todo.Item/0198c0de-4bad-7cde-8f01-23456789abcd --json',
      text: 'events.example.stream',
    },
    { line: 'events --follow --after end', text: 'events.example.follow' },
  ],
} as const satisfies VerbSpec

export const showSpec = {
  name: 'show',
  summary: 'show.summary',
  argument: { value: 'EVENT_ID', least: 1, most: 1, text: 'show.argument' },
  options: {},
  examples: [{ line: 'show 0198c0de-4bad-7cde-8f01-23456789abcd', text: 'show.example' }],
} as const satisfies VerbSpec

export const traceSpec = {
  name: 'trace',
  summary: 'trace.summary',
  notes: ['trace.note'],
  argument: { value: 'CORRELATION_OR_EVENT_ID', least: 1, most: 1, text: 'trace.argument' },
  options: { limit: { kind: 'count', least: 1, value: 'N', text: 'trace.option.limit' } },
  examples: [{ line: 'trace 0198c0de-4bad-7cde-8f01-23456789abcd', text: 'trace.example' }],
} as const satisfies VerbSpec

export const streamsSpec = {
  name: 'streams',
  summary: 'streams.summary',
  options: {
    prefix: { kind: 'text', value: 'TEXT', text: 'streams.option.prefix' },
    after: { kind: 'text', value: 'ID', text: 'streams.option.after' },
    limit: { kind: 'count', least: 1, value: 'N', text: 'streams.option.limit' },
  },
  examples: [{ line: 'streams --prefix Todo.Item/ --limit 20', text: 'streams.example' }],
} as const satisfies VerbSpec

export const typesSpec = {
  name: 'types',
  summary: 'types.summary',
  options: {},
  examples: [{ line: 'types', text: 'types.example' }],
} as const satisfies VerbSpec

export const statsSpec = {
  name: 'stats',
  summary: 'stats.summary',
  options: {},
  examples: [{ line: 'stats --json', text: 'stats.example' }],
} as const satisfies VerbSpec

export const exportSpec = {
  name: 'export',
  summary: 'export.summary',
  notes: ['note.filters', 'export.note.out'],
  options: {
    ...filters,
    format: { kind: 'choice', choices: ['tidings', 'cloudevents'], text: 'export.option.format' },
    out: { kind: 'text', value: 'FILE', text: 'export.option.out' },
    ...contracts,
  },
  examples: [
    { line: 'export --out backup.ndjson.gz', text: 'export.example.all' },
    { line: "export --type 'Todo.**' --format cloudevents", text: 'export.example.cloudevents' },
  ],
} as const satisfies VerbSpec

export const verifySpec = {
  name: 'verify',
  summary: 'verify.summary',
  notes: ['verify.note'],
  options: { ...contracts, partial: { kind: 'flag', text: 'verify.option.partial' } },
  examples: [
    { line: 'verify', text: 'verify.example.plain' },
    { line: 'verify --contracts ./src/contracts.ts', text: 'verify.example.contracts' },
  ],
} as const satisfies VerbSpec

export const lintNamesSpec = {
  name: 'lint-names',
  summary: 'lint-names.summary',
  notes: ['lint-names.note'],
  argument: {
    value: 'NAME',
    least: 0,
    most: Number.POSITIVE_INFINITY,
    text: 'lint-names.argument',
  },
  options: {
    ...contracts,
    verb: { kind: 'texts', value: 'WORD', text: 'lint-names.option.verb' },
  },
  examples: [
    { line: 'lint-names', text: 'lint-names.example.log' },
    { line: 'lint-names Todo.Item.Create', text: 'lint-names.example.name' },
  ],
} as const satisfies VerbSpec

export const doctorSpec = {
  name: 'doctor',
  summary: 'doctor.summary',
  options: { ...contracts },
  examples: [{ line: 'doctor --contracts ./src/contracts.ts', text: 'doctor.example' }],
} as const satisfies VerbSpec

export const backupSpec = {
  name: 'backup',
  summary: 'backup.summary',
  argument: { value: 'FILE', least: 1, most: 1, text: 'backup.argument' },
  options: {},
  examples: [{ line: 'backup --store sqlite:app.db app-2026-11-21.db', text: 'backup.example' }],
} as const satisfies VerbSpec

export const migrateSpec = {
  name: 'migrate',
  summary: 'migrate.summary',
  notes: ['migrate.note.when', 'migrate.note.oldest'],
  options: {
    'dry-run': { kind: 'flag', text: 'migrate.option.dry-run' },
    schema: { kind: 'text', value: 'NAME', text: 'migrate.option.schema' },
  },
  examples: [
    { line: 'migrate --store postgres://owner@db.example/shop', text: 'migrate.example.plain' },
    {
      line: 'migrate --store postgres://owner@db.example/shop --schema orders --dry-run',
      text: 'migrate.example.dry-run',
    },
  ],
} as const satisfies VerbSpec

/** In the order in which help lists them. */
export const verbTable = [
  importSpec,
  eventsSpec,
  showSpec,
  traceSpec,
  streamsSpec,
  typesSpec,
  statsSpec,
  exportSpec,
  verifySpec,
  lintNamesSpec,
  doctorSpec,
  backupSpec,
  retentionSpec,
  eraseSpec,
  migrateSpec,
] as const satisfies readonly VerbSpec[]

export type VerbName = (typeof verbTable)[number]['name']
