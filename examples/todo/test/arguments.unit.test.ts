import { expect, test } from 'vitest'
import { ArgumentError, readArguments } from '../src/arguments.ts'

test.each([
  ['nothing', [], {}, { port: 3000, isPortChosen: false, store: 'sqlite:.tidings/todo.db' }],
  ['a port', ['--port', '0'], {}, { port: 0, isPortChosen: true }],
  ['PORT', [], { PORT: '8080' }, { port: 8080, isPortChosen: true }],
  ['an empty PORT', [], { PORT: '' }, { port: 3000, isPortChosen: false }],
  ['a port before PORT', ['--port=1'], { PORT: '8080' }, { port: 1 }],
  ['a file', ['--store', 'sqlite:a/b.db'], {}, { store: 'sqlite:a/b.db' }],
  ['a server', ['--store', 'postgres://h/d'], {}, { store: 'postgres://h/d' }],
  ['TIDINGS_STORE', [], { TIDINGS_STORE: 'sqlite:c.db' }, { store: 'sqlite:c.db' }],
  ['--smoke', ['--smoke'], {}, { smoke: true, help: false }],
  ['--help', ['-h'], {}, { smoke: false, help: true }],
] as const)('%s', (_what, args, env, expected) => {
  expect(readArguments(args, env)).toMatchObject(expected)
})

test.each([
  ['an unknown flag', ['--bogus'], {}, /--bogus/],
  ['a stray word', ['here'], {}, /here/],
  ['a port that is none', ['--port', 'http'], {}, /--port must be a whole number.*'http'/],
  ['a port too high', ['--port', '65536'], {}, /--port/],
  ['a PORT that is none', [], { PORT: '-1' }, /PORT must be/],
  ['a store that is no address', ['--store', 'memory:'], {}, /--store must be sqlite:FILE or/],
  ['a store without a file', ['--store', 'sqlite:'], {}, /--store must be sqlite:FILE/],
  ['a flag without its value', ['--port'], {}, /--port/],
])('%s is a usage error', (_what, args, env, message) => {
  expect(() => readArguments(args, env)).toThrow(ArgumentError)
  expect(() => readArguments(args, env)).toThrow(message)
})
