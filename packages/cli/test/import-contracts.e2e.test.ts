import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { linkPackages, makeFolder, parseLines, runCli } from './support/cli.ts'
import { figures, rejectsOf } from './support/import-results.ts'
import { toLines, wireEvent } from './support/events.ts'

describe('import with contracts', () => {
  const contracts = `
    import { defineEvent, defineModule } from 'tidings/contract'
    import * as z from 'zod'
    const Created = defineEvent('Todo.Item.Created', {
      version: 2,
      payload: z.object({ title: z.string().max(20), pin: z.string().max(4).default('0') }),
      history: { 1: z.object({ title: z.string() }) },
      upcast: { 1: (old: { title: string }) => ({ ...old, pin: '0' }) },
      aliases: ['TodoCreated'],
      sensitive: ['pin'],
    })
    export const todo = defineModule('todo', [Created])
  `

  function prepare(): string {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'contracts.ts'), contracts)
    linkPackages(cwd)
    return cwd
  }

  test('checks payloads at their version, and writes aliases as the type they mean', async () => {
    const cwd = prepare()
    const events = [
      wireEvent(1, { event_version: 2, payload: { title: 'a', pin: '1' } }),
      wireEvent(2, { event_type: 'TodoCreated', payload: { title: 'of version 1' } }),
      wireEvent(3, { event_type: 'TODO_ITEM_CREATED', payload: { title: 7 } }),
      wireEvent(4, { event_version: 2, payload: { title: 'b', pin: 'secret-pin' } }),
      wireEvent(5, { event_version: 3, payload: {} }),
      wireEvent(6, { event_type: 'Todo.Item.Creatd' }),
    ]
    writeFileSync(join(cwd, 'in.ndjson'), toLines(events))
    const result = await runCli(
      ['import', 'in.ndjson', '--contracts', './contracts.ts', '--json'],
      { cwd },
    )
    expect(result.stderr).toBe('')
    expect(figures(result)).toMatchObject({ stored: 2, rejected: 4, types: 1 })
    const rejects = rejectsOf(cwd)
    expect(rejects.map(({ line, code, pointer }) => [line, code, pointer])).toEqual([
      [3, 'TIDINGS_PAYLOAD_INVALID', '/payload/title'],
      [4, 'TIDINGS_PAYLOAD_INVALID', '/payload/pin'],
      [5, 'TIDINGS_VERSION_UNKNOWN', '/event_version'],
      [6, 'TIDINGS_NAME_UNKNOWN', '/event_type'],
    ])
    expect(rejects[1]!.reason).toContain('[sensitive]')
    expect(rejects[1]!.reason).not.toContain('secret-pin')
    expect(rejects[3]!.reason).toContain('Todo.Item.Created')
    const types = parseLines((await runCli(['types', '--json'], { cwd })).stdout)
    expect(types).toMatchObject([{ event_type: 'Todo.Item.Created', count: 2, versions: [1, 2] }])
  })

  test('takes a package by its name, as seen from the folder of the caller', async () => {
    const cwd = makeFolder()
    const home = join(cwd, 'node_modules/our-contracts')
    mkdirSync(home, { recursive: true })
    symlinkSync(join(import.meta.dirname, '../../core'), join(cwd, 'node_modules/tidings'))
    writeFileSync(
      join(home, 'package.json'),
      JSON.stringify({ name: 'our-contracts', type: 'module', exports: { import: './index.js' } }),
    )
    writeFileSync(
      join(home, 'index.js'),
      `import { defineEvent } from 'tidings/contract'
const titles = { '~standard': { version: 1, vendor: 'our-own', validate: (value) => typeof value.title === 'string' ? { value } : { issues: [{ message: 'a title' }] } } }
export default { nested: [defineEvent('Todo.Item.Created', { payload: titles })] }`,
    )
    writeFileSync(join(cwd, 'in.ndjson'), toLines([wireEvent(1), wireEvent(2, { payload: {} })]))
    const result = await runCli(['import', 'in.ndjson', '--contracts', 'our-contracts', '--json'], {
      cwd,
    })
    expect(result.stderr).toBe('')
    expect(figures(result)).toMatchObject({ stored: 1, rejected: 1 })
    const doctor = await runCli(['doctor', '--contracts', 'our-contracts'], { cwd })
    expect(doctor.stdout).toContain('contract Todo.Item.Created: checked by our-own as it is')
  })

  test('contracts that do not fit together are named, all of them', async () => {
    const cwd = prepare()
    writeFileSync(
      join(cwd, 'bad.ts'),
      `import { defineEvent } from 'tidings/contract'
      import * as z from 'zod'
      export const a = defineEvent('Todo.Item.Create', { payload: z.object({}) })
      export const b = defineEvent('Todo.Item.Renamed', { payload: z.object({}), aliases: ['x'] })
      export const c = defineEvent('Todo.Item.Removed', { payload: z.object({}), aliases: ['x'] })`,
    )
    writeFileSync(join(cwd, 'in.ndjson'), toLines([wireEvent(1)]))
    const result = await runCli(['import', 'in.ndjson', '--contracts', './bad.ts'], { cwd })
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('2 problems')
    expect(result.stderr).toContain('Todo.Item.Created')
    expect(result.stderr).toContain("'x'")
    expect(existsSync(join(cwd, 'tidings.db'))).toBe(false)
  })

  test('keeps types without a contract when it is told to, and finds aliases in filters', async () => {
    const cwd = prepare()
    writeFileSync(
      join(cwd, 'in.ndjson'),
      toLines([
        wireEvent(1, { event_type: 'TodoCreated' }),
        wireEvent(2, { event_type: 'Some.Other.Thing' }),
      ]),
    )
    const bare = await runCli(['import', 'in.ndjson', '--json'], { cwd })
    expect(figures(bare)).toMatchObject({ stored: 2, types: 2 })
    const kept = await runCli(
      [
        'import',
        'in.ndjson',
        '--contracts',
        'contracts.ts',
        '--unknown',
        'keep',
        '--json',
        '--store',
        'sqlite:b.db',
      ],
      { cwd },
    )
    expect(figures(kept)).toMatchObject({ stored: 2, rejected: 0 })
    const found = await runCli(
      ['events', '--type', 'Todo.Item.Created', '--contracts', 'contracts.ts', '--json'],
      { cwd },
    )
    expect(parseLines(found.stdout)).toMatchObject([{ event_type: 'TodoCreated' }])
    const verified = await runCli(['verify', '--contracts', 'contracts.ts', '--json'], { cwd })
    expect(verified.code).toBe(0)
    expect(parseLines(verified.stdout)).toMatchObject([
      { ok: true, payloads_checked: 1, payloads_unchecked: 1 },
    ])
  })
})
