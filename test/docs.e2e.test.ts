import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readPages } from './docs/pages.ts'
import { checkTypes, prepareWorkbench, runPage } from './docs/run-page.ts'

const pages = readPages()
const bench = prepareWorkbench(pages)
const withCode = [...bench.pages].filter(([, plan]) => plan.steps.length > 0).map(([path]) => path)

describe('the code of the documentation', () => {
  let complaints: readonly string[] = []
  const runs = new Map<string, Promise<number>>()

  beforeAll(async () => {
    complaints = await checkTypes(bench)
  })

  afterAll(() => bench[Symbol.dispose]())

  /** A page that goes on where another one ended runs after it; each runs once. */
  function run(path: string): Promise<number> {
    const after = bench.pages.get(path)?.after
    const before = after === undefined ? Promise.resolve(0) : run(after)
    const running = runs.get(path) ?? before.then(() => runPage(path, bench))
    runs.set(path, running)
    return running
  }

  test('there is code to run', () => {
    expect(withCode).toContain('README.md')
    expect(withCode.length).toBeGreaterThan(15)
  })

  test('type-checks', () => {
    expect(complaints).toEqual([])
  })

  test.each(withCode)('%s does what it says', async (path) => {
    expect(await run(path)).toBeGreaterThan(0)
  })
})
