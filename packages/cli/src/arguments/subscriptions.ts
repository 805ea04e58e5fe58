import { asking, carrying } from './asking.ts'
import type { GroupSpec, VerbSpec } from './spec.ts'

const group = 'subscriptions'
const name = { value: 'NAME', least: 1, most: 1, text: 'subscriptions.argument' } as const

export const listSpec = {
  name: 'list',
  group,
  summary: 'subscriptions.list.summary',
  notes: ['subscriptions.note.lag'],
  options: {},
  examples: [{ line: 'subscriptions list', text: 'subscriptions.list.example' }],
} as const satisfies VerbSpec

export const showSpec = {
  name: 'show',
  group,
  summary: 'subscriptions.show.summary',
  notes: ['subscriptions.note.lag'],
  argument: name,
  options: {},
  examples: [{ line: 'subscriptions show mail --json', text: 'subscriptions.show.example' }],
} as const satisfies VerbSpec

export const pauseSpec = {
  name: 'pause',
  group,
  summary: 'subscriptions.pause.summary',
  notes: ['note.asking', 'note.config'],
  argument: name,
  options: { ...asking, ...carrying },
  examples: [
    {
      line: "subscriptions pause mail --because 'the provider moves'",
      text: 'subscriptions.pause.example',
    },
  ],
} as const satisfies VerbSpec

export const resumeSpec = {
  name: 'resume',
  group,
  summary: 'subscriptions.resume.summary',
  notes: ['note.asking', 'note.config'],
  argument: name,
  options: { ...asking, ...carrying },
  examples: [{ line: 'subscriptions resume mail --wait', text: 'subscriptions.resume.example' }],
} as const satisfies VerbSpec

export const resetSpec = {
  name: 'reset',
  group,
  summary: 'subscriptions.reset.summary',
  notes: ['subscriptions.reset.note', 'note.asking', 'note.config'],
  argument: name,
  options: {
    to: { kind: 'text', value: 'PLACE', text: 'subscriptions.reset.option.to' },
    yes: { kind: 'flag', text: 'option.yes' },
    ...asking,
    ...carrying,
  },
  examples: [
    {
      line: 'subscriptions reset mail --to beginning',
      text: 'subscriptions.reset.example.beginning',
    },
    {
      line: 'subscriptions reset mail --to 2026-11-21T09:30:00Z --yes --wait',
      text: 'subscriptions.reset.example.time',
    },
  ],
} as const satisfies VerbSpec

export const subscriptionsGroup = {
  name: group,
  summary: 'subscriptions.summary',
  verbs: [listSpec, showSpec, pauseSpec, resumeSpec, resetSpec],
} as const satisfies GroupSpec

const operations = 'operations'
const id = { value: 'ID', least: 1, most: 1, text: 'operations.argument' } as const
const ID = '0198c0de-4bad-7cde-8f01-23456789abcd'

export const listOperationsSpec = {
  name: 'list',
  group: operations,
  summary: 'operations.list.summary',
  options: {
    subscription: { kind: 'text', value: 'NAME', text: 'option.subscription' },
    state: {
      kind: 'choice',
      choices: ['requested', 'running', 'done', 'failed', 'cancelled'],
      text: 'operations.list.option.state',
    },
    limit: { kind: 'count', least: 1, value: 'N', text: 'operations.list.option.limit' },
  },
  examples: [{ line: 'operations list --state running', text: 'operations.list.example' }],
} as const satisfies VerbSpec

export const showOperationSpec = {
  name: 'show',
  group: operations,
  summary: 'operations.show.summary',
  argument: id,
  options: { wait: { kind: 'flag', text: 'option.wait' } },
  examples: [{ line: `operations show ${ID} --wait`, text: 'operations.show.example' }],
} as const satisfies VerbSpec

export const cancelSpec = {
  name: 'cancel',
  group: operations,
  summary: 'operations.cancel.summary',
  notes: ['operations.cancel.note'],
  argument: id,
  options: asking,
  examples: [
    { line: `operations cancel ${ID} --because 'too fast'`, text: 'operations.cancel.example' },
  ],
} as const satisfies VerbSpec

export const operationsGroup = {
  name: operations,
  summary: 'operations.summary',
  verbs: [listOperationsSpec, showOperationSpec, cancelSpec],
} as const satisfies GroupSpec
