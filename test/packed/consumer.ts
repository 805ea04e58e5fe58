/** The files of a project that uses the packages as published. */

const model = `
import { z } from 'zod'
import { defineEvent, lintEventType, type Envelope } from 'tidings/contract'

export const Created = defineEvent('Todo.Item.Created', {
  payload: z.object({ todoId: z.string(), title: z.string() }),
})
export const reasons = lintEventType('Todo.Item.Create')
export const title = (event: Envelope<'Todo.Item.Created', { title: string }>): string =>
  event.payload.title
// @ts-expect-error: the title is missing; if this line compiles, the types have become loose
export const wrong = () => Created({ todoId: '1' })
`

const program = `
import assert from 'node:assert/strict'
import * as core from 'tidings'
import * as bus from 'tidings/bus'
import * as contract from 'tidings/contract'
import * as observe from 'tidings/observe'
import * as sqlite from 'tidings/sqlite'
import * as zod from 'tidings/zod'
import * as testing from '@tidings/testing'
import { Created, reasons } from './model.js'

assert.equal(Created.type, 'Todo.Item.Created')
assert.equal(reasons.length > 0, true)
assert.equal(core.defineEvent, contract.defineEvent)
assert.deepEqual(Created({ todoId: '1', title: 'milk' }).payload, { todoId: '1', title: 'milk' })
console.log(JSON.stringify([core, bus, observe, sqlite, zod, testing].map((module) => Object.keys(module).length)))
`

const common = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  target: 'ES2022',
  noEmit: true,
}

export const consumer: Record<string, string> = {
  'src/model.ts': model,
  'src/program.ts': program,
  'tsconfig.node.json': JSON.stringify({
    compilerOptions: {
      ...common,
      noEmit: false,
      module: 'nodenext',
      lib: ['ES2022'],
      types: ['node'],
      rootDir: 'src',
      outDir: 'out',
    },
    include: ['src'],
  }),
  // As Vite and its like set it: no types of Node, those of the browser.
  'tsconfig.browser.json': JSON.stringify({
    compilerOptions: {
      ...common,
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['ES2022', 'DOM'],
      types: [],
    },
    files: ['src/model.ts'],
  }),
  'require.cjs': `
    const assert = require('node:assert/strict')
    for (const name of ['tidings', 'tidings/contract', 'tidings/sqlite', 'tidings/zod', '@tidings/testing']) {
      assert.equal(typeof require(name), 'object', name)
    }
    const { defineEvent } = require('tidings/contract')
    const { z } = require('zod')
    const Created = defineEvent('Todo.Item.Created', { payload: z.object({ title: z.string() }) })
    console.log(Created.type)
  `,
  // No validator library: a Standard Schema by hand keeps what is measured to Tidings alone.
  'browser.js': `
    import * as tidings from 'tidings/contract'
    const payload = { '~standard': { version: 1, vendor: 'hand', validate: (value) => ({ value }) } }
    const Created = tidings.defineEvent('Todo.Item.Created', { payload })
    const { envelope } = tidings.sealDraft(Created({ title: 'milk' }), {
      aggregateType: 'Todo.Item',
      aggregateId: '1',
      correlationId: tidings.newId(),
      clock: tidings.systemClock,
      ids: tidings.systemIds,
    })
    globalThis.result = {
      reasons: tidings.lintEventType('Todo.Item.Create').length,
      envelope,
      fromTidings: tidings.fromWire(JSON.parse(JSON.stringify(tidings.toWire(envelope)))),
      fromCloudEvents: tidings.fromCloudEvent(
        JSON.parse(JSON.stringify(tidings.toCloudEvent(envelope))),
      ).envelope,
      // Named at run time: the whole subpath is in the bundle and in its size.
      names: Object.keys(tidings).length,
    }
  `,
}
