import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../../../..')

const head = `
import { z } from 'zod'
import { defineAggregate, defineCommand, defineEvent, defineTopic, createRegistry } from 'tidings/contract'
const Created = defineEvent('Todo.Item.Created', { payload: z.object({ title: z.string(), tags: z.array(z.string()) }) })
const Renamed = defineEvent('Todo.Item.Renamed', { payload: z.object({ title: z.string().default('none') }) })
const Create = defineCommand('Todo.Item.Create', { payload: z.object({ title: z.string() }) })
const tasks = defineTopic('work', { carries: 'tasks' })
const base = { id: () => '', commands: [], decide: {}, initialState: { status: 'none' } as { status: 'none' | 'open' } } as const
export { z, createRegistry, defineAggregate, defineCommand, defineEvent, Created, Renamed, Create, tasks, base }
`

/** A mistake, and what the compiler must say of it. */
const mistakes: readonly (readonly [name: string, code: string, message: string])[] = [
  [
    'a Date',
    "defineEvent('A.B.Created', { payload: z.object({ at: z.date() }) })",
    '"✗ payload.at is a Date: keep an ISO string, for example z.iso.datetime()"',
  ],
  [
    'two faults at depth',
    "defineEvent('A.B.Created', { payload: z.object({ items: z.array(z.object({ n: z.bigint() })), m: z.map(z.string(), z.string()) }) })",
    '"✗ payload.items[].n is a bigint: keep a string of digits" | "✗ payload.m is a Map or Set: keep an array or a record"',
  ],
  [
    'a Date in a command',
    "defineCommand('A.B.Create', { payload: z.object({ at: z.date() }) })",
    '"✗ payload.at is a Date: keep an ISO string, for example z.iso.datetime()"',
  ],
  [
    'a transform',
    "defineEvent('A.B.Created', { payload: z.object({ n: z.string().transform(Number) }) })",
    '"✗ the schema changes its values: what it makes must be accepted by it again, unchanged (no transform, no coercion)"',
  ],
  [
    'a forgotten upcaster',
    "defineEvent('A.B.Created', { version: 2, payload: z.object({ n: z.string() }) })",
    "Property 'upcast' is missing",
  ],
  [
    'a forgotten step',
    "defineEvent('A.B.Created', { version: 3, payload: z.object({ n: z.string() }), upcast: { 1: () => ({ n: '' }) } })",
    "Property '2' is missing",
  ],
  ['a mistyped member', "Created({ titel: 'x', tags: [] })", "Did you mean to write 'title'?"],
  [
    'a forgotten case',
    "defineAggregate('Todo.Item', { ...base, events: [Created, Renamed], evolve: { 'Todo.Item.Created': (state) => state } })",
    `Property '"Todo.Item.Renamed"' is missing`,
  ],
  [
    'a mistyped state',
    "defineAggregate('Todo.Item', { ...base, events: [Created], evolve: { 'Todo.Item.Created': (_state) => ({ status: 'opne' }) } })",
    `Type '"opne"' is not assignable to type '"none" | "open"'`,
  ],
  [
    'an event that the aggregate does not have',
    "defineAggregate('Todo.Item', { ...base, events: [Created], evolve: { 'Todo.Item.Created': (state) => state, 'Todo.Item.Renmaed': (state: never) => state } })",
    "''Todo.Item.Renmaed'' does not exist in type 'Evolve<",
  ],
  [
    'a topic of another kind',
    "defineEvent('A.B.Created', { payload: z.object({}), topic: tasks })",
    `Type '"tasks"' is not assignable to type '"facts" | "results"'`,
  ],
  // What the editor shows on hover is what the compiler prints of a type.
  [
    'the hover of an event',
    'const shown: number = Created; shown',
    `Type 'EventDefinition<"Todo.Item.Created", { title: string; tags: string[]; }>' is not`,
  ],
  [
    'the hover of an event with defaults',
    'const shown: number = Renamed; shown',
    `Type 'EventDefinitionWithDefaults<"Todo.Item.Renamed", { title: string; }, { title?: string`,
  ],
  [
    'the hover of a command',
    'const shown: number = Create; shown',
    `Type 'CommandDefinition<"Todo.Item.Create", { title: string; }, { title: string; }>' is not`,
  ],
  [
    'the hover of what happened',
    "const shown: number = Created({ title: '', tags: [] }); shown",
    `Type 'Draft<"Todo.Item.Created", { title: string; tags: string[]; }>' is not`,
  ],
]

/** What `tsc` says, by the file it says it of. */
let said: ReadonlyMap<string, string>
let folder: string

beforeAll(() => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  folder = mkdtempSync(join(root, '.cache', 'mistakes-'))
  writeFileSync(join(folder, 'head.ts'), head)
  for (const [index, [, code]] of mistakes.entries()) {
    const names =
      'z, createRegistry, defineAggregate, defineCommand, defineEvent, Created, Renamed, Create, tasks, base'
    const used = names.split(', ').filter((name) => new RegExp(`\\b${name}\\b`).test(code))
    writeFileSync(
      join(folder, `mistake-${index}.ts`),
      `import { ${used.join(', ')} } from './head.ts'\n${code}\n`,
    )
  }
  const compilerOptions = { incremental: false }
  const config = { extends: join(root, 'tsconfig.check.json'), compilerOptions, include: ['.'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
    cwd: folder,
  })
  const byFile = Map.groupBy(
    stdout.split(/\n(?=\S)/),
    (message) => /^([\w-]+)\.ts\(/.exec(message)?.[1] ?? 'other',
  )
  said = new Map(Array.from(byFile, ([file, messages]) => [file, messages.join('\n')]))
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('the compiler says of', () => {
  it.each(mistakes.map(([name, , message], index) => [name, index, message] as const))(
    '%s',
    (_, index, message) => {
      expect(said.get(`mistake-${index}`)).toContain(message)
    },
  )

  it('what is right: nothing', () => {
    expect(said.get('head')).toBeUndefined()
    expect(said.get('other')?.trim() ?? '').toBe('')
  })

  it('a mistake no more than a person reads', () => {
    for (const text of said.values()) expect(text.length).toBeLessThan(900)
  })
})
