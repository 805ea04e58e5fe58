import { asking, carrying } from './asking.ts'
import type { GroupSpec, OptionSpec, VerbSpec } from './spec.ts'

type Options = Readonly<Record<string, OptionSpec>>

const group = 'dead-letters'

const one = {
  subscription: { kind: 'text', value: 'NAME', text: 'option.subscription' },
} as const satisfies Options

/** Which parked events are meant. */
const choice = {
  ...one,
  id: { kind: 'texts', value: 'ID', text: 'option.letter-id' },
  group: { kind: 'text', value: 'FINGERPRINT', text: 'option.group' },
  key: { kind: 'text', value: 'KEY', text: 'option.key' },
  type: { kind: 'text', value: 'NAME', text: 'option.letter-type' },
  reason: {
    kind: 'choice',
    choices: ['failed', 'behind', 'unreadable', 'unknown-version', 'killed'],
    text: 'option.letter-reason',
  },
  since: { kind: 'time', value: 'TIME', text: 'option.letter-since' },
  until: { kind: 'time', value: 'TIME', text: 'option.letter-until' },
} as const satisfies Options

const looking = {
  ...choice,
  state: {
    kind: 'choice',
    choices: ['parked', 'redriving', 'resolved', 'discarded', 'all'],
    text: 'option.letter-state',
  },
  limit: { kind: 'count', least: 1, value: 'N', text: 'option.letter-limit' },
} as const satisfies Options

const ID = '0198c0de-4bad-8cde-8f01-23456789abcd'

export const listSpec = {
  name: 'list',
  group,
  summary: 'dead-letters.list.summary',
  notes: ['note.letter-words', 'note.letter-times'],
  options: looking,
  examples: [
    { line: 'dead-letters list --subscription mail', text: 'dead-letters.list.example.one' },
    {
      line: 'dead-letters list --state all --since 7d --json',
      text: 'dead-letters.list.example.all',
    },
  ],
} as const satisfies VerbSpec

export const groupsSpec = {
  name: 'groups',
  group,
  summary: 'dead-letters.groups.summary',
  options: one,
  examples: [{ line: 'dead-letters groups', text: 'dead-letters.groups.example' }],
} as const satisfies VerbSpec

export const showSpec = {
  name: 'show',
  group,
  summary: 'dead-letters.show.summary',
  argument: { value: 'ID', least: 1, most: 1, text: 'dead-letters.show.argument' },
  options: {},
  examples: [{ line: `dead-letters show ${ID}`, text: 'dead-letters.show.example' }],
} as const satisfies VerbSpec

export const redriveSpec = {
  name: 'redrive',
  group,
  summary: 'dead-letters.redrive.summary',
  notes: ['dead-letters.redrive.note', 'note.asking', 'note.config', 'note.letter-times'],
  options: {
    ...choice,
    'dry-run': { kind: 'flag', text: 'dead-letters.redrive.option.dry-run' },
    rate: { kind: 'count', least: 1, value: 'N', text: 'dead-letters.redrive.option.rate' },
    edit: { kind: 'texts', value: 'ID=FILE', text: 'dead-letters.redrive.option.edit' },
    payload: { kind: 'text', value: 'FILE', text: 'dead-letters.redrive.option.payload' },
    force: { kind: 'flag', text: 'dead-letters.redrive.option.force' },
    ...asking,
    ...carrying,
  },
  examples: [
    {
      line: 'dead-letters redrive --subscription mail --dry-run',
      text: 'dead-letters.redrive.example.dry-run',
    },
    {
      line: 'dead-letters redrive --group 5d0c8a1be0f7a922 --rate 20 --wait',
      text: 'dead-letters.redrive.example.group',
    },
    {
      line: `dead-letters redrive --id ${ID} --payload mended.json --because 'wrong address'`,
      text: 'dead-letters.redrive.example.payload',
    },
    {
      line: 'dead-letters redrive --subscription mail --run',
      text: 'dead-letters.redrive.example.run',
    },
  ],
} as const satisfies VerbSpec

export const discardSpec = {
  name: 'discard',
  group,
  summary: 'dead-letters.discard.summary',
  notes: ['dead-letters.discard.note', 'note.asking', 'note.config', 'note.letter-times'],
  options: {
    ...choice,
    yes: { kind: 'flag', text: 'option.yes' },
    ...asking,
    ...carrying,
  },
  examples: [
    {
      line: `dead-letters discard --id ${ID} --because 'a test that got out'`,
      text: 'dead-letters.discard.example.one',
    },
    {
      line: 'dead-letters discard --subscription mail --type Shop.Mail.Requested --because spam --yes',
      text: 'dead-letters.discard.example.many',
    },
  ],
} as const satisfies VerbSpec

export const exportSpec = {
  name: 'export',
  group,
  summary: 'dead-letters.export.summary',
  notes: ['dead-letters.export.note', 'note.letter-times'],
  options: {
    ...looking,
    format: {
      kind: 'choice',
      choices: ['letters', 'events'],
      text: 'dead-letters.export.option.format',
    },
    out: { kind: 'text', value: 'FILE', text: 'export.option.out' },
  },
  examples: [
    {
      line: 'dead-letters export --subscription mail --out mail.ndjson',
      text: 'dead-letters.export.example.all',
    },
    { line: 'dead-letters export --format events', text: 'dead-letters.export.example.events' },
  ],
} as const satisfies VerbSpec

export const deadLettersGroup = {
  name: group,
  summary: 'dead-letters.summary',
  verbs: [listSpec, groupsSpec, showSpec, redriveSpec, discardSpec, exportSpec],
} as const satisfies GroupSpec
