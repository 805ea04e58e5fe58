import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build as bundleWith, type Plugin } from 'esbuild'
import { root } from './repository.ts'

const folder = join(root, '.cache/programs')

/**
 * Makes one file, and a few for what is loaded on demand, of a program that is started a hundred times:
 * to find, read and link 250 modules was two thirds of a life in a crash test. The statements are the same, and
 * so are their names in a stack.
 *
 * @returns the program to start. Its name tells its content: who runs beside this takes away nothing.
 */
export async function bundle(program: string): Promise<string> {
  const { outputFiles } = await bundleWith({
    absWorkingDir: root,
    entryPoints: [program],
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@tidings/source'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    // `pg` is CommonJS, and requires modules of Node.
    banner: {
      js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);",
    },
    plugins: [ownPlace],
    write: false,
    logLevel: 'silent',
  })
  mkdirSync(folder, { recursive: true })
  for (const { path, contents } of outputFiles) writeWhole(path, contents)
  const name = basename(program, '.ts')
  const [entry, other] = outputFiles.filter(({ path }) => basename(path).startsWith(`${name}-`))
  if (entry === undefined || other !== undefined) throw new Error(`No one file starts ${program}`)
  return entry.path
}

/** A module finds what lies beside it where its source is, and not beside the bundle. */
const ownPlace: Plugin = {
  name: 'own place',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path))),
    }))
  },
}

/** Whoever finds a file finds it whole. */
function writeWhole(path: string, contents: Uint8Array): void {
  if (existsSync(path)) return
  const part = `${path}.${process.pid}`
  writeFileSync(part, contents)
  renameSync(part, path)
}
