import { type } from 'arktype'
import { expectTypeOf } from 'expect-type'
import * as v from 'valibot'
import { z } from 'zod'
import {
  defineAggregate,
  defineCommand,
  defineEvent,
  defineModule,
  defineTask,
  defineTopic,
  type Draft,
  type Envelope,
  type EventDefinition,
  type EventDefinitionWithDefaults,
  type JsonProblems,
  type Registry,
  type SealedEvent,
  type StoredEnvelope,
} from '../../src/contract.ts'

const todos = defineTopic('todos', { carries: 'facts' })
const work = defineTopic('work', { carries: 'tasks' })
const done = defineTopic('done', { carries: 'results' })

const Created = defineEvent('Todo.Item.Created', {
  payload: z.object({
    todoId: z.string(),
    title: z.string(),
    tags: z.array(z.string()).default([]),
  }),
  topic: todos,
  key: (payload) => payload.todoId,
  sensitive: ['title', '/tags/*'],
})
const Completed = defineEvent('Todo.Item.Completed', { payload: z.object({ todoId: z.string() }) })
const Deleted = defineEvent('Todo.Item.Deleted', { payload: z.object({ todoId: z.string() }) })
const Create = defineCommand('Todo.Item.Create', {
  payload: z.object({ todoId: z.string(), title: z.string() }),
})
const Complete = defineCommand('Todo.Item.Complete', { payload: z.object({ todoId: z.string() }) })

interface State {
  readonly status: 'none' | 'open' | 'done'
}

// ── What is inferred ────────────────────────────────────────────────────────────────────────────

interface CreatedPayload {
  todoId: string
  title: string
  tags: string[]
}
expectTypeOf(Created).toExtend<
  EventDefinitionWithDefaults<
    'Todo.Item.Created',
    CreatedPayload,
    { todoId: string; title: string }
  >
>()
expectTypeOf<(typeof Created)['~event']>().toEqualTypeOf<
  Envelope<'Todo.Item.Created', CreatedPayload>
>()
expectTypeOf(Created({ todoId: '1', title: 'a' })).toEqualTypeOf<
  Draft<'Todo.Item.Created', CreatedPayload>
>()
expectTypeOf(Completed).toEqualTypeOf<EventDefinition<'Todo.Item.Completed', { todoId: string }>>()
expectTypeOf<(typeof Create)['~payload']>().toEqualTypeOf<{ todoId: string; title: string }>()
// Other libraries give the same, without a type argument.
const inValibot = defineEvent('Todo.Item.Updated', { payload: v.object({ todoId: v.string() }) })
const inArktype = defineEvent('Todo.Item.Updated', { payload: type({ todoId: 'string' }) })
expectTypeOf<(typeof inValibot)['~payload']>().toEqualTypeOf<{ todoId: string }>()
expectTypeOf<(typeof inArktype)['~payload']>().toEqualTypeOf<{ todoId: string }>()
expectTypeOf<Parameters<Registry['read']>[0]>().toEqualTypeOf<StoredEnvelope>()

declare const envelope: Envelope
if (Created.is(envelope)) expectTypeOf(envelope.payload).toEqualTypeOf<CreatedPayload>()

// ── Payloads ────────────────────────────────────────────────────────────────────────────────────

// @ts-expect-error -- a member is missing
Created({ todoId: '1' })
// @ts-expect-error -- a member is of the wrong kind
Created({ todoId: 1, title: 'a' })
// @ts-expect-error -- a member is not of the contract
Completed({ todoId: '1', extra: true })
// @ts-expect-error -- no payload at all
Completed()
// @ts-expect-error -- a command is no function: there is one way to send it
Create({ todoId: '1', title: 'a' })
// @ts-expect-error -- an envelope cannot be changed
envelope.eventId = 'x'
// @ts-expect-error -- nor its metadata
envelope.metadata.source = 'x'

// @ts-expect-error -- JSON has no Date
defineEvent('A.B.Created', { payload: z.object({ at: z.date() }) })
// @ts-expect-error -- nor at any depth
defineEvent('A.B.Created', { payload: z.object({ a: z.array(z.object({ at: z.date() })) }) })
// @ts-expect-error -- JSON has no bigint
defineEvent('A.B.Created', { payload: z.object({ n: z.bigint() }) })
// @ts-expect-error -- JSON has no Map
defineEvent('A.B.Created', { payload: z.object({ m: z.map(z.string(), z.string()) }) })
defineEvent('A.B.Created', {
  // @ts-expect-error -- JSON has no undefined; an optional member is absent instead
  payload: z.object({ u: z.array(z.union([z.string(), z.undefined()])) }),
})
// @ts-expect-error -- commands are kept too
defineCommand('A.B.Create', { payload: z.object({ at: z.date() }) })
// @ts-expect-error -- and tasks
defineTask('A.B.WorkRequested', { payload: z.object({ at: z.date() }), results: [] })
// @ts-expect-error -- in valibot too
defineEvent('A.B.Created', { payload: v.object({ at: v.date() }) })
// @ts-expect-error -- and in arktype
defineEvent('A.B.Created', { payload: type({ at: 'Date' }) })
// @ts-expect-error -- a transform makes something that the schema would refuse
defineEvent('A.B.Created', { payload: z.object({ n: z.string().transform(Number) }) })
// @ts-expect-error -- no schema at all
defineEvent('A.B.Created', { payload: { todoId: 'string' } })
// @ts-expect-error -- a payload there must be
defineEvent('A.B.Created', {})

// What JSON can say passes: optional members, unknown, brands, recursion, unions, null.
interface Tree {
  name: string
  children: Tree[]
}
const Tree: z.ZodType<Tree, Tree> = z.lazy(() =>
  z.object({ name: z.string(), children: z.array(Tree) }),
)
defineEvent('A.B.Created', { payload: Tree })
defineEvent('A.B.Created', { payload: z.json() })
defineEvent('A.B.Created', { payload: z.unknown() })
defineEvent('A.B.Created', {
  payload: z.object({
    o: z.string().optional(),
    n: z.null(),
    u: z.union([z.string(), z.number()]),
    b: z.string().brand('B'),
    r: z.record(z.string(), z.unknown()),
    t: z.tuple([z.string(), z.number()]),
  }),
})

expectTypeOf<
  JsonProblems<{ a: { at: Date }[] }>
>().toEqualTypeOf<'✗ payload.a[].at is a Date: keep an ISO string, for example z.iso.datetime()'>()
expectTypeOf<JsonProblems<{ a?: string; b: unknown }>>().toEqualTypeOf<never>()

// @ts-expect-error -- no such field to hide
defineEvent('A.B.Created', { payload: z.object({ a: z.string() }), sensitive: ['b'] })
// @ts-expect-error -- a key is text
defineEvent('A.B.Created', { payload: z.object({ a: z.number() }), key: (payload) => payload.a })
defineEvent('A.B.Created', {
  payload: z.object({ a: z.string() }),
  // @ts-expect-error -- of the payload's own members
  key: (payload) => String(payload.b),
})

// ── Topics ──────────────────────────────────────────────────────────────────────────────────────

// @ts-expect-error -- a fact does not go on a topic of tasks
defineEvent('A.B.Created', { payload: z.object({}), topic: work })
// @ts-expect-error -- a task does not go on a topic of facts
defineTask('A.B.WorkRequested', { payload: z.object({}), results: [], topic: todos })
// @ts-expect-error -- nor on one of results
defineTask('A.B.WorkRequested', { payload: z.object({}), results: [], topic: done })
// @ts-expect-error -- a command is no result
defineTask('A.B.WorkRequested', { payload: z.object({}), results: [Create] })
// @ts-expect-error -- what a topic carries must be said
defineTopic('x', {})
// @ts-expect-error -- in one of three words
defineTopic('x', { carries: 'commands' })

const Index = defineTask('Indexer.Document.IndexRequested', {
  payload: z.object({ id: z.string() }),
  results: [Completed, Deleted],
  topic: work,
})
expectTypeOf<(typeof Index)['~result']>().toEqualTypeOf<
  (typeof Completed)['~draft'] | (typeof Deleted)['~draft']
>()

// ── Versions ────────────────────────────────────────────────────────────────────────────────────

const V1 = z.object({ title: z.string() })
const V2 = z.object({ title: z.string(), tags: z.array(z.string()) })
const V3 = z.object({ name: z.string() })

defineEvent('A.B.Created', {
  version: 3,
  payload: V3,
  history: { 1: V1, 2: V2 },
  upcast: {
    1: (old) => {
      expectTypeOf(old).toEqualTypeOf<{ title: string }>()
      return { ...old, tags: [] }
    },
    2: (old) => {
      expectTypeOf(old).toEqualTypeOf<{ title: string; tags: string[] }>()
      return { name: old.title }
    },
  },
})
// Without history nothing is known of what was.
defineEvent('A.B.Created', {
  version: 2,
  payload: V3,
  upcast: { 1: (old) => ({ name: old.any.thing }) },
})

// @ts-expect-error -- version 2 needs an upcaster from version 1
defineEvent('A.B.Created', { version: 2, payload: V3 })
// @ts-expect-error -- version 3 needs one from version 2 too
defineEvent('A.B.Created', { version: 3, payload: V3, upcast: { 1: () => ({ name: '' }) } })
// @ts-expect-error -- version 1 has nothing to come from
defineEvent('A.B.Created', { payload: V3, upcast: { 1: () => ({ name: '' }) } })
defineEvent('A.B.Created', {
  version: 2,
  payload: V3,
  // @ts-expect-error -- version 2 has no step from 2
  upcast: { 1: () => ({ name: '' }), 2: () => ({ name: '' }) },
})
// @ts-expect-error -- the step's result is not the next version's
defineEvent('A.B.Created', { version: 2, payload: V3, upcast: { 1: () => ({ title: '' }) } })
defineEvent('A.B.Created', {
  version: 3,
  payload: V3,
  history: { 2: V2 },
  // @ts-expect-error -- nor a middle step's
  upcast: { 1: () => ({ title: '' }), 2: () => ({ name: '' }) },
})
defineEvent('A.B.Created', {
  version: 2,
  payload: V3,
  history: { 1: V1 },
  // @ts-expect-error -- the old payload has no such member
  upcast: { 1: (old) => ({ name: old.nme }) },
})

// ── Aggregates ──────────────────────────────────────────────────────────────────────────────────

const nothing: State = { status: 'none' }

const Item = defineAggregate('Todo.Item', {
  events: [Created, Completed],
  commands: [Create, Complete],
  id: (command) => command.todoId,
  initialState: nothing,
  evolve: {
    // The literal stays a literal, without `as const`.
    'Todo.Item.Created': (state, event) => {
      expectTypeOf(state).toEqualTypeOf<State>()
      expectTypeOf(event.payload).toEqualTypeOf<CreatedPayload>()
      return { status: 'open' }
    },
    'Todo.Item.Completed': (_state) => ({ status: 'done' }),
  },
  decide: {
    'Todo.Item.Create': ({ todoId, title }, state, ctx) => {
      expectTypeOf(ctx.newId).returns.toEqualTypeOf<string>()
      return state.status === 'none' ? Created({ todoId, title }) : []
    },
    'Todo.Item.Complete': (command) => [Completed(command)],
  },
})
expectTypeOf<(typeof Item)['~state']>().toEqualTypeOf<State>()

const options = {
  id: (command: { todoId: string }) => command.todoId,
  initialState: { status: 'none' } as State,
} as const

defineAggregate('Todo.Item', {
  ...options,
  events: [Created, Completed],
  commands: [],
  // @ts-expect-error -- a case is missing
  evolve: { 'Todo.Item.Created': (state) => state },
  decide: {},
})
defineAggregate('Todo.Item', {
  ...options,
  events: [Completed],
  commands: [],
  evolve: {
    'Todo.Item.Completed': (state) => state,
    // @ts-expect-error -- not an event of this aggregate
    'Todo.Item.Vanished': (state) => state,
  },
  decide: {},
})
defineAggregate('Todo.Item', {
  ...options,
  events: [Completed],
  commands: [],
  // @ts-expect-error -- no state of this kind
  evolve: { 'Todo.Item.Completed': () => ({ status: 'opne' }) },
  decide: {},
})
defineAggregate('Todo.Item', {
  ...options,
  events: [Completed],
  commands: [],
  // @ts-expect-error -- the payload has no such member
  evolve: { 'Todo.Item.Completed': (state, { payload }) => (payload.titel === '' ? state : state) },
  decide: {},
})
defineAggregate('Todo.Item', {
  ...options,
  events: [Completed],
  commands: [Create],
  evolve: { 'Todo.Item.Completed': (state) => state },
  // @ts-expect-error -- a case is missing
  decide: {},
})
defineAggregate('Todo.Item', {
  ...options,
  events: [Completed],
  commands: [Complete],
  evolve: { 'Todo.Item.Completed': (state) => state },
  decide: {
    // @ts-expect-error -- the return was forgotten
    'Todo.Item.Complete': (command) => {
      Completed(command)
    },
  },
})
defineAggregate('Todo.Item', {
  ...options,
  events: [Completed],
  commands: [Complete],
  evolve: { 'Todo.Item.Completed': (state) => state },
  decide: {
    // @ts-expect-error -- an event of another aggregate
    'Todo.Item.Complete': (command) => Deleted(command),
  },
})
defineAggregate('Todo.Item', {
  ...options,
  // @ts-expect-error -- a command is no event
  events: [Complete],
  commands: [],
  evolve: {},
  decide: {},
})
defineAggregate('Todo.Item', {
  ...options,
  events: [Completed],
  commands: [Complete],
  evolve: { 'Todo.Item.Completed': (state) => state },
  decide: {
    // @ts-expect-error -- deciding is pure, so it cannot wait
    'Todo.Item.Complete': async (command) => Completed(command),
  },
})

defineAggregate('Todo.Item', {
  ...options,
  events: [Completed],
  commands: [],
  evolve: {
    // The compiler reads a function without parameters before it knows State, and widens its literals.
    // @ts-expect-error -- name a parameter, or say `(): State =>`
    'Todo.Item.Completed': () => ({ status: 'done' }),
  },
  decide: {},
})

// ── Modules and sealed events ───────────────────────────────────────────────────────────────────

const todoModule = defineModule('todo', [Item, Deleted])
expectTypeOf<(typeof todoModule)['~event']['eventType']>().toEqualTypeOf<
  'Todo.Item.Created' | 'Todo.Item.Completed' | 'Todo.Item.Deleted'
>()
expectTypeOf<(typeof todoModule)['~route']['type']>().toEqualTypeOf<
  'Todo.Item.Create' | 'Todo.Item.Complete'
>()
// @ts-expect-error -- no definition
defineModule('todo', [Item, { name: 'x' }])

declare function append(event: SealedEvent): void
// @ts-expect-error -- only what was checked can be stored
append({ envelope, payloadJson: '{}' })
