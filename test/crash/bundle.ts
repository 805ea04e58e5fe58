import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { root } from '../../tools/repository.ts'

const folder = join(root, '.cache/programs')

/**
 * Makes one file, and a few for what is loaded on demand, of a program that is started a hundred times:
 * to find, read and link its 250 modules took two thirds of each life. The statements are the same, and
 * so are their names in a stack.
 *
 * @returns the program to start. Its name tells its content: who runs beside this takes away nothing.
 */
export async function bundle(program: string): Promise<string> {
  const { outputFiles } = await build({
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
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
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

/** Whoever finds a file finds it whole. */
function writeWhole(path: string, contents: Uint8Array): void {
  if (existsSync(path)) return
  const part = `${path}.${process.pid}`
  writeFileSync(part, contents)
  renameSync(part, path)
}
