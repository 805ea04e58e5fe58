import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  createRegistry,
  defineAggregate,
  defineCommand,
  defineEvent,
  defineTask,
  defineTopic,
  RegistryError,
  UnknownNameError,
  type AnyDefinition,
  type AnyEventDefinition,
} from '../../src/contract.ts'

const payload = z.object({ id: z.string() })
const facts = defineTopic('todos', { carries: 'facts' })
const results = defineTopic('outline.events', { carries: 'results' })
const tasks = defineTopic('outline.tasks', { carries: 'tasks' })

const Created = defineEvent('Todo.Item.Created', {
  payload,
  topic: facts,
  aliases: ['TodoCreated', 'TODO_CREATED'],
})
const Completed = defineEvent('Todo.Item.Completed', { payload, topic: facts })
const Generated = defineEvent('Outliner.Theme.Generated', { payload, topic: results })
const Generate = defineTask('Outliner.Theme.GenerationRequested', {
  payload,
  topic: tasks,
  results: [Generated],
})
const CreateItem = defineCommand('Todo.Item.Create', { payload })

function problemsOf(make: () => unknown): readonly string[] {
  try {
    make()
  } catch (error) {
    if (error instanceof RegistryError) return error.problems
    throw error
  }
  return []
}

/** A definition as a changed copy, which the functions that define refuse to make. */
function changed(
  definition: AnyEventDefinition,
  fields: Partial<AnyEventDefinition>,
): AnyDefinition {
  return { ...definition, ...fields }
}

describe('a registry finds a contract by any of its names', () => {
  const registry = createRegistry([Created, Generate, CreateItem, Created])

  it('the type, an alias, the enum name', () => {
    for (const name of ['Todo.Item.Created', 'TodoCreated', 'TODO_CREATED', 'TODO_ITEM_CREATED']) {
      expect(registry.canonicalType(name)).toBe('Todo.Item.Created')
      expect(registry.event(name)).toBe(Created)
      expect(registry.require(name)).toBe(Created)
    }
    expect(registry.command('Todo.Item.Create')).toBe(CreateItem)
    expect(registry.event('Todo.Item.Create')).toBeUndefined()
    expect(registry.command('Todo.Item.Created')).toBeUndefined()
    expect(registry.canonicalType('Todo.Item.Vanished')).toBeUndefined()
  })

  it('takes in the results of tasks, and every topic', () => {
    expect(registry.event('Outliner.Theme.Generated')).toBe(Generated)
    expect([...registry.topics.keys()].sort()).toEqual(['outline.events', 'outline.tasks', 'todos'])
  })

  it('takes in what aggregates name', () => {
    const Item = defineAggregate('Todo.Item', {
      events: [Completed],
      commands: [CreateItem],
      id: (command) => command.id,
      initialState: null,
      evolve: { 'Todo.Item.Completed': () => null },
      decide: { 'Todo.Item.Create': () => [] },
    })
    const own = createRegistry([], { aggregates: [Item, Item] })
    expect([...own.definitions.keys()].sort()).toEqual(['Todo.Item.Completed', 'Todo.Item.Create'])
  })

  it('an unknown name is refused with the nearest known ones', () => {
    expect(() => registry.require('Todo.Item.Craeted')).toThrow(UnknownNameError)
    expect(() => registry.require('Todo.Item.Craeted')).toThrow("Did you mean 'Todo.Item.Created'")
    expect(() => registry.require('TODO_ITEM_CREATE_D')).toThrow("Did you mean 'TODO_ITEM_CREATED'")
    expect(() => registry.fromEnumName('Todo.Item.Created')).toThrow("'TODO_ITEM_CREATED'")
    expect(registry.nearest('TodoCraeted')[0]).toBe('TodoCreated')
  })

  it('tells what a filter of a log must match', () => {
    const names = ['Todo.Item.Created', 'TodoCreated', 'TODO_CREATED', 'TODO_ITEM_CREATED']
    expect(registry.namesOf('TodoCreated')).toEqual(names)
    expect(registry.storedNames('TodoCreated')).toEqual(names)
    expect(registry.namesOf('Foreign thing')).toEqual(['Foreign thing'])
    expect(registry.storedNames('Todo.**')).toEqual(['Todo.**', ...names.slice(1)])
  })

  it('a glob stands for the types of events that fit, a name for its own', () => {
    expect(registry.expand('Todo.**')).toEqual(['Todo.Item.Created'])
    expect(registry.expand('*.*.*')).toHaveLength(3)
    expect(registry.expand('TodoCreated')).toEqual(['Todo.Item.Created'])
    expect(registry.expand('Todo.Item.Create')).toEqual([])
    expect(registry.expand('Nothing.**')).toEqual([])
  })

  it('declares every version whose schema it keeps', () => {
    const Renamed = defineEvent('Todo.Item.Renamed', {
      version: 2,
      payload: z.object({ title: z.string(), tags: z.array(z.string()).default([]) }),
      history: { 1: z.object({ title: z.string() }) },
      upcast: { 1: (old) => old },
      sensitive: ['title'],
    })
    const declared = createRegistry([Renamed, CreateItem]).declared()
    expect(declared.map(({ type, version, kind }) => [type, version, kind])).toEqual([
      ['Todo.Item.Renamed', 1, 'event'],
      ['Todo.Item.Renamed', 2, 'event'],
      ['Todo.Item.Create', 1, 'command'],
    ])
    expect(declared[1]).toMatchObject({
      sensitive: ['/title'],
      inputSchema: { required: ['title'] },
      outputSchema: { required: ['title', 'tags'] },
    })
    expect(new Set(declared.map(({ schemaHash }) => schemaHash)).size).toBe(3)
  })
})

describe('createRegistry refuses', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'two definitions of one type',
      () => createRegistry([Created, defineEvent('Todo.Item.Created', { payload })]),
      /'Todo\.Item\.Created' is defined twice, as event version 1 and as event version 1/,
    ],
    [
      'a command and an event of one name',
      () =>
        createRegistry([
          defineCommand('Todo.Item.Set', { payload }),
          defineEvent('Todo.Item.Set', { payload }),
        ]),
      /defined twice, as command version 1 and as event version 1/,
    ],
    [
      'an alias that is the type of another',
      () =>
        createRegistry([
          Completed,
          defineEvent('Todo.Item.Updated', { payload, aliases: ['Todo.Item.Completed'] }),
        ]),
      /'Todo\.Item\.Updated': its alias 'Todo\.Item\.Completed' is the type of another contract/,
    ],
    [
      'an alias of two contracts',
      () =>
        createRegistry([
          Created,
          defineEvent('Todo.Item.Updated', { payload, aliases: ['TodoCreated'] }),
        ]),
      /its alias 'TodoCreated' is an alias of 'Todo\.Item\.Created' too/,
    ],
    [
      'an alias twice, and itself as an alias',
      () =>
        createRegistry([
          defineEvent('Todo.Item.Updated', { payload, aliases: ['U', 'U', 'Todo.Item.Updated'] }),
        ]),
      /the alias 'U' stands twice[^]*it is its own alias/,
    ],
    [
      'enum names that collide',
      () =>
        createRegistry([
          defineEvent('Genesis.Session.Theme.Proposed', { payload }),
          defineEvent('Genesis.SessionTheme.Proposed', { payload }),
        ]),
      /its enum name GENESIS_SESSION_THEME_PROPOSED is the enum name of 'Genesis\.Session\.Theme\.Proposed' too/,
    ],
    [
      'an enum name that is an alias of another',
      () =>
        createRegistry([
          Completed,
          defineEvent('Todo.Item.Updated', { payload, aliases: ['TODO_ITEM_COMPLETED'] }),
        ]),
      /its enum name TODO_ITEM_COMPLETED is the alias of 'Todo\.Item\.Updated' too/,
    ],
    [
      'a gap in an upcast chain',
      () => createRegistry([changed(Completed, { version: 3, upcast: { 1: (old) => old } })]),
      /version 3 has no upcaster from version 2 to 3/,
    ],
    [
      'a surplus in an upcast chain',
      () =>
        createRegistry([
          changed(Completed, { upcast: { 1: (old) => old }, history: { 7: payload } }),
        ]),
      /'upcast' has an entry 1[^]*'history' has an entry 7/,
    ],
    [
      'a fact on a topic of tasks',
      () => createRegistry([changed(Completed, { topic: tasks })]),
      /a fact goes on a topic that carries facts or results, and topic 'outline\.tasks' carries tasks/,
    ],
    [
      'a task on a topic of facts',
      () => createRegistry([changed(Generate, { topic: facts })]),
      /a task goes on a topic that carries tasks, and topic 'todos' carries facts/,
    ],
    [
      "a task's result on a topic of facts",
      () => {
        const Result = defineEvent('Outliner.Theme.Generated', { payload, topic: facts })
        return createRegistry([
          defineTask('Outliner.Theme.GenerationRequested', { payload, results: [Result] }),
        ])
      },
      /it is a result of the task 'Outliner\.Theme\.GenerationRequested', no fact of a domain/,
    ],
    [
      'a fact of a domain on a topic of results',
      () =>
        createRegistry([Created, defineEvent('Todo.Item.Updated', { payload, topic: results })]),
      /it is a fact of the domain 'Todo' and no task's result/,
    ],
    [
      'two topics of one name with different settings',
      () =>
        createRegistry([Created], {
          topics: [defineTopic('todos', { carries: 'facts', partitions: 7 })],
        }),
      /the topic 'todos' is declared twice, with partitions 7 and 3/,
    ],
    [
      'a bad name, with a suggestion',
      () => createRegistry([defineEvent('Todo.Item.Create', { payload })]),
      /'Todo\.Item\.Create': a fact is in the past tense, 'Create' is not \(for example 'Todo\.Item\.Created'\)/,
    ],
    [
      'a command named like a fact',
      () => createRegistry([defineCommand('Todo.Item.Completed', { payload })]),
      /a command is in the imperative/,
    ],
    [
      'a capability of four segments',
      () =>
        createRegistry([defineTask('Outliner.Theme.Draft.Requested', { payload, results: [] })]),
      /a name has 3 segments, <Capability>\.<Entity>\.<Action>/,
    ],
    [
      'two aggregates of one type',
      () => {
        const item = (): Parameters<typeof createRegistry>[1] => ({ aggregates: [make(), make()] })
        const make = () =>
          defineAggregate('Todo.Item', {
            events: [],
            commands: [],
            id: () => '',
            initialState: null,
            evolve: {},
            decide: {},
          })
        return createRegistry([], item())
      },
      /the aggregate 'Todo\.Item' is defined twice/,
    ],
  ])('%s', (_, make, problem) => {
    expect(problemsOf(make).join('\n')).toMatch(problem)
  })

  it('everything at once, each problem a line', () => {
    const problems = problemsOf(() =>
      createRegistry([
        Created,
        defineEvent('Todo.Item.Created', { payload, aliases: ['TodoCreated'] }),
        defineEvent('Todo.Item.Make', { payload }),
        changed(Completed, { version: 2, topic: tasks }),
      ]),
    )
    expect(problems).toHaveLength(5)
    expect(new RegistryError(problems).message.split('\n')).toHaveLength(6)
  })

  it('nothing where all is well', () => {
    expect(
      problemsOf(() => createRegistry([Created, Completed, Generate, Generated, CreateItem])),
    ).toEqual([])
    expect(problemsOf(() => createRegistry([Generated]))).toEqual([])
  })
})
