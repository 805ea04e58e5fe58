import { asking } from './asking.ts'
import type { VerbSpec } from './spec.ts'

export const retentionSpec = {
  name: 'retention',
  summary: 'retention.summary',
  notes: ['retention.note.what', 'retention.note.archive', 'retention.note.streams'],
  options: {
    'older-than': { kind: 'time', value: 'TIME', text: 'retention.option.older-than' },
    commands: { kind: 'time', value: 'TIME', text: 'retention.option.commands' },
    stream: { kind: 'texts', value: 'ID', text: 'retention.option.stream' },
    archive: { kind: 'text', value: 'FOLDER', text: 'retention.option.archive' },
    gzip: { kind: 'flag', text: 'retention.option.gzip' },
    unsent: { kind: 'flag', text: 'retention.option.unsent' },
    ignore: { kind: 'texts', value: 'NAME', text: 'retention.option.ignore' },
    'dry-run': { kind: 'flag', text: 'retention.option.dry-run' },
    yes: { kind: 'flag', text: 'option.yes' },
  },
  examples: [
    { line: 'retention', text: 'retention.example.look' },
    { line: 'retention --older-than 7d --dry-run', text: 'retention.example.dry-run' },
    {
      line: 'retention --older-than 7d --archive ./archive --gzip --yes',
      text: 'retention.example.archive',
    },
  ],
} as const satisfies VerbSpec

export const eraseSpec = {
  name: 'erase',
  summary: 'erase.summary',
  notes: ['erase.note.where', 'erase.note.copies'],
  options: {
    stream: { kind: 'texts', value: 'ID', text: 'erase.option.stream' },
    event: { kind: 'texts', value: 'ID', text: 'erase.option.event' },
    list: { kind: 'flag', text: 'erase.option.list' },
    ...asking,
    'dry-run': { kind: 'flag', text: 'erase.option.dry-run' },
    yes: { kind: 'flag', text: 'option.yes' },
  },
  examples: [
    { line: 'erase --stream Shop.Customer/17 --dry-run', text: 'erase.example.dry-run' },
    {
      line: "erase --stream Shop.Customer/17 --because 'request 4711' --yes",
      text: 'erase.example.stream',
    },
    { line: 'erase --list', text: 'erase.example.list' },
  ],
} as const satisfies VerbSpec
