import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { packPackage, publishedPackages } from '../../tools/pack.ts'

export interface Packed {
  readonly name: string
  readonly tarball: string
  /** Paths inside the tarball, without the leading `package/`. */
  readonly files: readonly string[]
}

/** Packs every published package into the folder. */
export function packAll(folder: string): Packed[] {
  return publishedPackages().map(({ folder: source, name }) => {
    const tarball = packPackage(source, folder)
    const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
    return { name, tarball, files: listed.map((file) => file.replace(/^package\//, '')).toSorted() }
  })
}

/** An empty project with the packages in it, as a user would have it, and no other. */
export function installInto(folder: string, packages: readonly string[]): void {
  write(folder, { 'package.json': '{ "name": "consumer", "private": true, "type": "module" }' })
  // What npm has in its cache from our own install will do; only what it lacks is fetched.
  const args = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  const { status, stderr } = spawnSync('npm', [...args, ...packages], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`npm install failed in ${folder}:\n${stderr}`)
}

export function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs this Node in the folder, without the conditions and options of the test run. */
export function node(folder: string, ...args: string[]): Outcome {
  const env = { ...process.env, NODE_OPTIONS: '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env,
  })
  return { status, stdout, stderr }
}
