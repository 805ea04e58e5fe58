import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { TestOrder } from './tools/test-order.ts'

/** Tests run on the sources, across packages, with no build: the same condition as `npm start`. */
const condition = '@tidings/source'

/** The suffix of a test file says what it costs, and picks its project. The limits end what hangs, on a slow machine too. */
const kinds = [
  { name: 'unit', suffixes: ['unit', 'property'], timeout: 10_000 },
  { name: 'conformance', suffixes: ['conformance'], timeout: 60_000 },
  { name: 'integration', suffixes: ['integration'], timeout: 120_000 },
  { name: 'e2e', suffixes: ['e2e'], timeout: 300_000 },
]

/** Starts nothing: the first test that needs a server starts it, and this ends it. */
const services = ['packages/postgres/test/kit/global-setup.ts']

/** Processes that tests start read the same sources: to compile them anew is more than half of a short one. */
const compiled = fileURLToPath(new URL('.cache/node', import.meta.url))

const folders = ['test', 'packages/*/test', 'examples/*/test', 'bench/test']

export default defineConfig({
  test: {
    // Left to itself vitest keeps one core free. Some tests wait for servers and leases: another one works then.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: TestOrder },
    projects: [...kinds.map(projectOf), examplesOnPostgres()],
  },
})

interface Kind {
  readonly name: string
  readonly suffixes: readonly string[]
  readonly timeout: number
}

function projectOf({ name, suffixes, timeout }: Kind): TestProjectInlineConfiguration {
  return {
    // Not 'import' too: the workers would then load the modules of a package where its own code, which
    // is CommonJS, requires another.
    resolve: { conditions: [condition, 'node'] },
    ssr: { resolve: { conditions: [condition, 'node'] } },
    test: {
      name,
      globalSetup: name === 'unit' ? [] : services,
      include: suffixes.flatMap((suffix) =>
        folders.map((folder) => `${folder}/**/*.${suffix}.test.ts`),
      ),
      exclude: ['**/node_modules/**', '**/dist/**'],
      execArgv: [`--conditions=${condition}`],
      pool: 'forks',
      env: { NODE_COMPILE_CACHE: compiled },
      // Unit tests leave nothing behind, and loading every module anew for each file took three times as
      // long as the tests themselves.
      isolate: name !== 'unit',
      testTimeout: timeout,
      hookTimeout: timeout,
    },
  }
}

/** All tests of the examples once more, with no change but the store that they are given. */
function examplesOnPostgres(): TestProjectInlineConfiguration {
  const suffixes = kinds.flatMap((kind) => kind.suffixes)
  const project = projectOf({ name: 'examples on PostgreSQL', suffixes, timeout: 300_000 })
  return {
    ...project,
    test: {
      ...project.test,
      include: suffixes.map((suffix) => `examples/*/test/**/*.${suffix}.test.ts`),
      env: { NODE_COMPILE_CACHE: compiled, TIDINGS_EXAMPLES_STORE: 'postgres' },
    },
  }
}
