import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './repository.ts'

export interface PublishedPackage {
  readonly folder: string
  readonly name: string
  readonly version: string
  /** Whether it can be imported; a package with a bin alone cannot. */
  readonly hasTypes: boolean
}

export function publishedPackages(): PublishedPackage[] {
  return globSync('packages/*/package.json', { cwd: root }).map((file) => {
    const { name, version, exports } = JSON.parse(readFileSync(join(root, file), 'utf8')) as {
      name: string
      version: string
      exports: Record<string, unknown>
    }
    return { folder: join(root, dirname(file)), name, version, hasTypes: '.' in exports }
  })
}

/** Packs without running scripts: `dist` must be built. Returns the path of the tarball. */
export function packPackage(folder: string, destination: string): string {
  const out = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', destination],
    { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const parsed = JSON.parse(out) as { filename: string }[] | Record<string, { filename: string }>
  const [packed] = Object.values(parsed)
  if (packed === undefined) throw new Error(`npm pack said nothing for ${folder}: ${out}`)
  return join(destination, packed.filename)
}
