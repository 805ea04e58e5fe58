import { describe, expect, it } from 'vitest'
import {
  lintCapabilityType,
  lintCommandType,
  lintEventType,
  toEnumName,
} from '../../src/contract.ts'

/** Names of a list in the manner of the source documents: a prefix, and what follows it. */
function names(prefix: string, endings: string): string[] {
  return endings.split(' ').map((ending) => `${prefix}.${ending}`)
}

const domainNames = [
  ...names('Todo.Item', 'Created Updated Completed Uncompleted Deleted Prioritized'),
  ...names('Todo.Reminder', 'Created Triggered Snoozed Dismissed Cancelled'),
  ...names('Analytics.User', 'LoggedIn LoggedOut'),
  ...names('Analytics.Task', 'Created Completed BecameOverdue'),
  ...names('Analytics', 'Productivity.Measured'),
  ...names('Notification', 'Email.Sent Push.Sent InApp.Created'),
  ...names('Audit', 'Access.LoggedIn Access.LoggedOut Permission.Granted Permission.Revoked'),
  ...names('Genesis.Session', 'Started SeedRequested ConceptProposed ConceptConfirmed'),
  ...names('Genesis.Session', 'StageCompleted Finished Failed BranchCreated'),
  ...names('Genesis.Session.Theme', 'Requested Proposed Revised Confirmed Updated'),
  ...names('Genesis.Session.World', 'Requested Proposed Updated Confirmed ValidationCompleted'),
  ...names('Genesis.Session.Character', 'Requested Proposed Updated Confirmed'),
  ...names('Genesis.Session.CharacterNetwork', 'Created'),
  ...names('Genesis.Session.Plot', 'Requested Proposed Updated Confirmed'),
  ...names('Genesis.Session.Details', 'Requested Generated Confirmed'),
]

const capabilityNames = [
  ...names('Outliner.Theme', 'GenerationRequested Generated'),
  ...names('Outliner.Concept', 'GenerationRequested Generated'),
  ...names('Worldbuilder.World', 'GenerationRequested Generated'),
  ...names('Worldbuilder.Rule', 'ValidationRequested Validated'),
  ...names('Character.Design', 'GenerationRequested Generated'),
  ...names('Character.Relationship', 'AnalysisRequested Generated'),
  ...names('Plot.Structure', 'GenerationRequested Generated'),
  ...names('Plot.Node', 'GenerationRequested Generated'),
  ...names('Writer.Content', 'GenerationRequested Generated RevisionRequested Revised'),
  ...names('Review.Quality', 'EvaluationRequested Evaluated'),
  ...names('Review.Consistency', 'CheckRequested Checked'),
]

describe('names of the source documents', () => {
  it.each(domainNames)('%s is a good name for a fact', (name) => {
    expect(lintEventType(name)).toEqual([])
  })

  it.each(capabilityNames)('%s is a good name for a task or its result', (name) => {
    expect(lintCapabilityType(name)).toEqual([])
  })

  it('no two of them share an enum name', () => {
    const all = [...domainNames, ...capabilityNames]
    expect(new Set(all.map(toEnumName)).size).toBe(new Set(all).size)
  })
})

describe('lintEventType', () => {
  it.each([
    ['TodoCreated', 'segments', 'TodoCreated', 'Todo.Todo.Created'],
    ['TodoItemCreated', 'segments', 'TodoItemCreated', 'Todo.Item.Created'],
    ['UserLoggedIn', 'segments', 'UserLoggedIn', 'User.User.LoggedIn'],
    ['Todo.Created', 'segments', 'Todo.Created', 'Todo.Todo.Created'],
    ['Todo.ItemCreated', 'segments', 'Todo.ItemCreated', 'Todo.Item.Created'],
    ['A.B.C.D.Created', 'segments', 'A.B.C.D.Created', 'A.B.CD.Created'],
    ['Todo.Item.Create', 'tense', 'Create', 'Todo.Item.Created'],
    ['Genesis.Session.RequestSeed', 'verb', 'Seed', 'Genesis.Session.SeedRequested'],
    ['Analytics.User.LogIn', 'tense', 'LogIn', 'Analytics.User.LoggedIn'],
    ['todo.item.created', 'case', 'todo', 'Todo.Item.Created'],
    ['Todo.Item.Creatd', 'verb', 'Creatd', 'Todo.Item.Created'],
    ['Todo.Item.SeedRequsted', 'verb', 'Requsted', 'Todo.Item.SeedRequested'],
    ['Todo.Item.Frobbed', 'verb', 'Frobbed', undefined],
    ['TODO.ITEM.CREATED', 'case', 'TODO', 'Todo.Item.Created'],
    ['todo-item-logged-in', 'segments', 'todo-item-logged-in', 'Todo.Item.LoggedIn'],
    ['task_item_became_overdue', 'segments', 'task_item_became_overdue', 'Task.Item.BecameOverdue'],
    ['GENESIS_SESSION_THEME_PROPOSED', 'segments', undefined, 'Genesis.Session.Theme.Proposed'],
    ['Todo..Created', 'case', '', 'Todo.Todo.Created'],
    ['Analytics.Task.Became', 'verb', 'Became', undefined],
    ['', 'segments', '', undefined],
  ])('%s: %s', (name, code, part, suggestion) => {
    const [reason] = lintEventType(name)
    expect(reason).toMatchObject({ code, part: part ?? name })
    expect(reason?.suggestion).toBe(suggestion)
  })

  it('tells every reason, not the first', () => {
    expect(lintEventType('todo.create').map(({ code, part }) => [code, part])).toEqual([
      ['segments', 'todo.create'],
      ['case', 'todo'],
      ['case', 'create'],
    ])
  })

  it('takes verbs that a team adds, alone and in a compound', () => {
    expect(lintEventType('Todo.Item.Nudged')).toMatchObject([{ code: 'verb', part: 'Nudged' }])
    expect(lintEventType('Todo.Item.Nudged', { verbs: ['Nudged'] })).toEqual([])
    expect(lintEventType('Todo.Item.OwnerNudged', { verbs: ['Nudged'] })).toEqual([])
    expect(lintEventType('Todo.Item.Nudge', { verbs: ['Nudged'] })).toMatchObject([
      { suggestion: 'Todo.Item.Nudged' },
    ])
  })
})

describe('lintCommandType', () => {
  it.each(['Todo.Item.Create', 'Todo.Item.MarkDone', 'Genesis.Session.RequestSeed'])(
    'takes %s',
    (name) => {
      expect(lintCommandType(name)).toEqual([])
    },
  )

  it.each([
    ['Todo.Item.Created', 'Created', 'Todo.Item.Create'],
    ['Genesis.Session.SeedRequested', 'Requested', 'Genesis.Session.RequestSeed'],
    ['CreateTodo', 'CreateTodo', 'Todo.Todo.Create'],
    ['Todo.Item.Frobbed', 'Frobbed', undefined],
  ])('refuses %s', (name, part, suggestion) => {
    const [reason] = lintCommandType(name)
    expect(reason?.part).toBe(part)
    expect(reason?.suggestion).toBe(suggestion)
  })
})

it('a capability has three segments', () => {
  expect(lintCapabilityType('Outliner.Theme.Draft.Generated')).toMatchObject([
    { code: 'segments', suggestion: 'Outliner.ThemeDraft.Generated' },
  ])
})

it.each([
  ['Genesis.Session.Theme.Proposed', 'GENESIS_SESSION_THEME_PROPOSED'],
  ['Genesis.Session.CharacterNetwork.Created', 'GENESIS_SESSION_CHARACTER_NETWORK_CREATED'],
  ['Notification.InApp.Created', 'NOTIFICATION_IN_APP_CREATED'],
  ['Billing.PDFExport.Created', 'BILLING_PDF_EXPORT_CREATED'],
  ['Genesis.Stage2.Completed', 'GENESIS_STAGE2_COMPLETED'],
])('the enum name of %s is %s', (dotted, enumName) => {
  expect(toEnumName(dotted)).toBe(enumName)
})
