import { defineConfig } from 'vitest/config'

/** Tests run on the sources, across packages, with no build: the same condition as `npm start`. */
const condition = '@tidings/source'

/** The suffix of a test file says what it costs, and picks its project. */
const kinds = [
  { name: 'unit', suffixes: ['unit', 'property'], timeout: 5_000 },
  { name: 'conformance', suffixes: ['conformance'], timeout: 30_000 },
  { name: 'integration', suffixes: ['integration'], timeout: 60_000 },
  { name: 'e2e', suffixes: ['e2e'], timeout: 180_000 },
]

const folders = ['test', 'packages/*/test', 'examples/*/test', 'bench/test']

export default defineConfig({
  test: {
    projects: kinds.map(({ name, suffixes, timeout }) => ({
      resolve: { conditions: [condition, 'node', 'import', 'default'] },
      ssr: { resolve: { conditions: [condition, 'node', 'import', 'default'] } },
      test: {
        name,
        include: suffixes.flatMap((suffix) =>
          folders.map((folder) => `${folder}/**/*.${suffix}.test.ts`),
        ),
        exclude: ['**/node_modules/**', '**/dist/**'],
        execArgv: [`--conditions=${condition}`],
        pool: 'forks',
        testTimeout: timeout,
        hookTimeout: timeout,
      },
    })),
  },
})
