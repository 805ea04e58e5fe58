import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../tools/repository.ts'
import { consumer } from './packed/consumer.ts'
import { installInto, node, packAll, type Packed, write } from './packed/install.ts'

/** What a user downloads, in bytes. Raise one only on purpose, and say in the commit what for. */
const maxTarballBytes: Record<string, number> = {
  // Sources, builds and maps; since durable subscriptions half of it is the delivery.
  tidings: 850_000,
  // Some 370 scenarios, and what breaks each.
  '@tidings/testing': 260_000,
  '@tidings/postgres': 170_000,
  '@tidings/cli': 200_000,
}
/** All of tidings/contract, minified and gzipped. */
const maxBrowserBytes = 24_000

let folder: string
let packed: Packed[]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-packed-'))
  packed = packAll(folder)
  const { devDependencies: tools } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as { devDependencies: Record<string, string> }
  installInto(folder, [
    ...packed.map(({ tarball }) => tarball),
    ...['typescript', 'zod', '@types/node'].map((name) => `${name}@${tools[name]}`),
  ])
  write(folder, consumer)
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the tarballs', () => {
  const allowed =
    /^(?:package\.json|LICENSE|README\.md|CHANGELOG\.md|bin\/tidings\.js|src\/.+\.(?:ts|sql)|dist\/.+\.(?:js|js\.map|d\.ts|d\.ts\.map|sql))$/

  test('hold no file that users have no use for', () => {
    const stray = packed.flatMap(({ name, files }) =>
      files.filter((file) => !allowed.test(file)).map((file) => `${name}: ${file}`),
    )
    expect(stray).toEqual([])
  })

  test('hold no build of a source that is gone (else: npm run clean)', () => {
    const stale = packed.flatMap(({ name, files }) =>
      files
        .filter((file) => file.startsWith('dist/'))
        .filter((file) => !files.includes(sourceOf(file)))
        .map((file) => `${name}: ${file}`),
    )
    expect(stale).toEqual([])
  })

  test('hold what each subpath promises', () => {
    for (const { name, files } of packed) {
      const { exports } = readManifest(name)
      const promised = Object.values(exports).flatMap((target) =>
        typeof target === 'string' ? [target] : Object.values(target),
      )
      for (const path of promised) expect(files, name).toContain(path.replace('./', ''))
    }
  })

  test('are small', () => {
    const sizes = packed.map(({ name, tarball }) => [name, statSync(tarball).size] as const)
    console.log('tarballs, bytes:', Object.fromEntries(sizes))
    for (const [name, size] of sizes) expect(size, name).toBeLessThan(maxTarballBytes[name] ?? 0)
  })
})

/** `pg`, which @tidings/postgres brings, and what that brings. */
const driver =
  /^(?:pg(?:-cloudflare|-connection-string|-int8|-pool|-protocol|-types|pass)?|postgres-(?:array|bytea|date|interval)|split2|xtend)$/

describe('an empty project', () => {
  test('gets nothing but Tidings, the types of Standard Schema and the driver of PostgreSQL', () => {
    const asked = ['typescript', 'zod', '@types']
    const brought = ['undici-types', '@typescript'] // by @types/node and typescript
    const others = readdirSync(join(folder, 'node_modules')).filter(
      (name) =>
        !name.startsWith('.') && ![...asked, ...brought].includes(name) && !driver.test(name),
    )
    expect(others.toSorted()).toEqual(['@standard-schema', '@tidings', 'tidings'])
  })

  test('type-checks against the packages, strictly, and runs by import', () => {
    expect(tsc('tsconfig.node.json')).toMatchObject({ status: 0, stdout: '' })
    const { status, stdout, stderr } = node(folder, 'out/program.js')
    expect({ status, stderr: withoutWarnings(stderr) }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toHaveLength(6)
  })

  test('type-checks tidings/contract without the types of Node', () => {
    expect(tsc('tsconfig.browser.json')).toMatchObject({ status: 0, stdout: '' })
  })

  test('loads every subpath by require', () => {
    const { status, stdout, stderr } = node(folder, 'require.cjs')
    expect({ status, stderr: withoutWarnings(stderr) }).toEqual({ status: 0, stderr: '' })
    expect(stdout.trim()).toBe('Todo.Item.Created')
  })

  test('has the command', () => {
    const { version } = readManifest('@tidings/cli')
    const { status, stdout } = node(folder, 'node_modules/@tidings/cli/bin/tidings.js', '--version')
    expect(status).toBe(0)
    expect(stdout).toContain(version)
  })
})

describe('tidings/contract in a browser', () => {
  test('bundles without a module of Node, small, and runs where only web globals are', async () => {
    const { outputFiles, metafile } = await build({
      absWorkingDir: folder,
      entryPoints: ['browser.js'],
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      logLevel: 'silent',
    })
    const inputs = Object.values(metafile.inputs).flatMap((input) => input.imports)
    expect(inputs.filter((each) => each.external === true || each.path.includes('node:'))).toEqual(
      [],
    )

    const code = outputFiles[0]?.text ?? ''
    const bytes = gzipSync(code).length
    console.log(`tidings/contract: ${code.length} bytes minified, ${bytes} gzipped`)
    expect(bytes).toBeLessThan(maxBrowserBytes)

    const context = createContext({ crypto, TextEncoder, TextDecoder, URL, performance })
    runInContext(code, context)
    // Made in another realm, so compared as JSON.
    const result = JSON.parse(JSON.stringify(context['result'])) as Record<string, object>
    expect(result['envelope']).toMatchObject({ eventType: 'Todo.Item.Created' })
    expect(result['fromTidings']).toEqual(result['envelope'])
    expect(result['fromCloudEvents']).toEqual(result['envelope'])
    expect(result['reasons']).toBe(1)
  })
})

function tsc(project: string): { status: number | null; stdout: string } {
  const { status, stdout } = node(folder, 'node_modules/typescript/bin/tsc', '-p', project)
  return { status, stdout }
}

function readManifest(name: string): {
  version: string
  exports: Record<string, string | Record<string, string>>
} {
  const path = join(folder, 'node_modules', name, 'package.json')
  return JSON.parse(readFileSync(path, 'utf8')) as ReturnType<typeof readManifest>
}

function sourceOf(file: string): string {
  return file.replace('dist/', 'src/').replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, '.ts')
}

/** Node 24 says that its SQLite may still change. */
function withoutWarnings(stderr: string): string {
  return stderr.replaceAll(
    /^\(.*(?:ExperimentalWarning: SQLite|Use `node --trace-warnings).*\n/gm,
    '',
  )
}
