/**
 * The rules of this repository that no linter knows: which folder may import which, which package
 * may know which, no cycles, no leftovers. Pure functions over a map from path to text, so that the
 * tests can plant a fault in memory and see each rule catch it.
 *
 * No TypeScript compiler API on purpose: TypeScript 7 exports none, and a layer checker that leans
 * on it finds no modules and passes in silence.
 */
import { posix } from 'node:path'

/** Repository path with forward slashes → text. */
export type Files = ReadonlyMap<string, string>

export interface Fault {
  readonly rule: string
  readonly file: string
  readonly line: number
  readonly message: string
}

export interface Import {
  readonly specifier: string
  readonly line: number
}

/** A folder of `packages/core/src` imports from itself and from lower ranks only. */
export const ranks: Readonly<Record<string, number>> = {
  internal: 0,
  errors: 1,
  contract: 2,
  observe: 3,
  transport: 4,
  store: 4,
  bus: 4,
  work: 5,
  sqlite: 5,
  delivery: 6,
  messaging: 6,
  replay: 7,
  projection: 8,
  orchestration: 8,
  bootstrap: 9,
}

const maxLines = 400
const coreSource = 'packages/core/src/'

/** All static, re-exporting, side-effect, type and dynamic imports, in order of appearance. */
export function importsOf(text: string): Import[] {
  const code = blankLeadingComments(text)
  const found: Import[] = []
  const patterns = [
    /^[ \t]*(?:import|export)(?:\s[^'"`;()]*?|\s*)\bfrom\s*(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/gm,
    /^[ \t]*import\s*(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/gm,
    /\bimport\(\s*(?<quote>['"`])(?<specifier>[^'"`\n]+)\k<quote>/gm,
  ]
  for (const pattern of patterns) {
    for (const match of code.matchAll(pattern)) {
      const specifier = match.groups?.['specifier'] ?? ''
      const line = lineAt(code, match.index + match[0].length - 1)
      found.push({ specifier, line })
    }
  }
  return found.toSorted((a, b) => a.line - b.line)
}

/**
 * Comments that begin a line become spaces (their line breaks stay). Others are left alone: a
 * `/*` inside a string, as in a glob, must not swallow the code after it.
 */
function blankLeadingComments(text: string): string {
  return text.replaceAll(/^[ \t]*(?:\/\/.*|\/\*[\s\S]*?\*\/)/gm, (comment) =>
    comment.replaceAll(/[^\n]/g, ' '),
  )
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** The ranks inside core. */
export function checkLayers(files: Files): Fault[] {
  const faults: Fault[] = []
  for (const [file, text] of files) {
    const layer = coreLayer(file)
    if (layer === undefined) continue
    if (layer.name !== undefined && layer.rank === undefined) {
      faults.push({
        rule: 'layers',
        file,
        line: 1,
        message: `The folder '${layer.name}' of core has no rank. Use one of: ${Object.keys(ranks).join(', ')}; or give it a rank in tools/tidy.ts and in ARCHITECTURE.md.`,
      })
      continue
    }
    for (const { specifier, line } of importsOf(text)) {
      const message = layerFault(file, layer, specifier)
      if (message !== undefined) faults.push({ rule: 'layers', file, line, message })
    }
  }
  return faults
}

interface Layer {
  /** Absent for an entry point: a file that lies in `src` itself. */
  readonly name: string | undefined
  readonly rank: number | undefined
}

function coreLayer(file: string): Layer | undefined {
  if (!file.startsWith(coreSource) || !file.endsWith('.ts')) return undefined
  const [first = '', ...rest] = file.slice(coreSource.length).split('/')
  if (rest.length === 0) return { name: undefined, rank: Number.POSITIVE_INFINITY }
  return { name: first, rank: ranks[first] }
}

function layerFault(file: string, from: Layer, specifier: string): string | undefined {
  if (specifier === 'tidings' || specifier.startsWith('tidings/')) {
    return `Core imports itself as '${specifier}'. Import the file that has the thing.`
  }
  if (!specifier.startsWith('.')) return undefined
  const target = posix.join(posix.dirname(file), specifier)
  const to = coreLayer(target)
  if (to === undefined) return undefined
  if (from.name === undefined) return undefined
  if (to.name === undefined) {
    return `The folder '${from.name}' imports the entry point '${specifier}'. Entry points are for users; import the file that has the thing.`
  }
  if (posix.basename(target) === 'index.ts') {
    return `'${specifier}' is a barrel. Import the file that has the thing.`
  }
  if (to.name === from.name || to.rank === undefined || from.rank === undefined) return undefined
  if (to.rank < from.rank) return undefined
  return `'${from.name}' (rank ${from.rank}) imports '${to.name}' (rank ${to.rank}). A folder imports from lower ranks only: move the shared part down, or turn the dependency round with a port.`
}

/** No file can be reached from itself. Type imports count: they tie files together as well. */
export function checkCycles(files: Files): Fault[] {
  const graph = importGraph(files)
  const state = new Map<string, 'open' | 'done'>()
  const faults: Fault[] = []
  const path: string[] = []
  const visit = (file: string): void => {
    state.set(file, 'open')
    path.push(file)
    for (const { target, line } of graph.get(file) ?? []) {
      const seen = state.get(target)
      if (seen === 'open') {
        const cycle = [...path.slice(path.indexOf(target)), target]
        faults.push({ rule: 'cycles', file, line, message: `Import cycle: ${cycle.join(' → ')}` })
      } else if (seen === undefined) visit(target)
    }
    path.pop()
    state.set(file, 'done')
  }
  for (const file of graph.keys()) if (!state.has(file)) visit(file)
  return faults
}

interface Edge {
  readonly target: string
  readonly line: number
}

function importGraph(files: Files): Map<string, Edge[]> {
  const entries = entryPoints(files)
  const graph = new Map<string, Edge[]>()
  for (const [file, text] of files) {
    if (!isSource(file)) continue
    const edges: Edge[] = []
    for (const { specifier, line } of importsOf(text)) {
      const target = specifier.startsWith('.')
        ? posix.join(posix.dirname(file), specifier)
        : entries.get(specifier)
      if (target !== undefined && files.has(target)) edges.push({ target, line })
    }
    graph.set(file, edges)
  }
  return graph
}

function isSource(file: string): boolean {
  return /\.(?:ts|tsx|mts|js)$/.test(file)
}

/** `tidings/contract` → `packages/core/src/contract.ts`, for every public subpath. */
function entryPoints(files: Files): Map<string, string> {
  const entries = new Map<string, string>()
  for (const { folder, manifest } of workspaces(files)) {
    for (const [subpath, conditions] of Object.entries(manifest.exports ?? {})) {
      const source = typeof conditions === 'string' ? undefined : conditions['@tidings/source']
      if (source !== undefined) {
        entries.set(posix.join(manifest.name, subpath), posix.join(folder, source))
      }
    }
  }
  return entries
}

/** `tidings/contract` must run in a browser: nothing that it reaches may import from `node:`. */
export function checkBrowserSafe(files: Files, entry: string): Fault[] {
  const graph = importGraph(files)
  const faults: Fault[] = []
  const from = new Map<string, string | undefined>([[entry, undefined]])
  for (const file of from.keys()) {
    for (const { specifier, line } of importsOf(files.get(file) ?? '')) {
      if (!specifier.startsWith('node:')) continue
      const message = `'${specifier}' is reached from ${entry}, which must run in a browser: ${chainTo(file, from)}`
      faults.push({ rule: 'browser', file, line, message })
    }
    for (const { target } of graph.get(file) ?? []) if (!from.has(target)) from.set(target, file)
  }
  return faults
}

function chainTo(file: string, from: ReadonlyMap<string, string | undefined>): string {
  const chain = [file]
  for (let at = from.get(file); at !== undefined; at = from.get(at)) chain.unshift(at)
  return chain.join(' → ')
}

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Workspace {
  readonly folder: string
  readonly manifest: Manifest
}

function workspaces(files: Files): Workspace[] {
  const found: Workspace[] = []
  for (const [file, text] of files) {
    if (!/^(?:packages\/[^/]+|examples\/[^/]+|bench)\/package\.json$/.test(file)) continue
    found.push({ folder: posix.dirname(file), manifest: JSON.parse(text) as Manifest })
  }
  return found
}

/** What each package may know of the others. One that is not named here may know core only. */
const mayKnow: Readonly<Record<string, readonly string[]>> = {
  tidings: [],
  '@tidings/testing': ['tidings'],
}

/** The only foreign modules that core may import, and where. */
const coreMayImport: readonly { readonly name: string; readonly file: RegExp }[] = [
  { name: '@standard-schema/spec', file: /^packages\/core\/src\// },
  { name: 'zod', file: /^packages\/core\/src\/(?:.*\/)?zod[\w-]*\.ts$/ },
]

/**
 * The direction of packages: `package.json`, the references of `tsconfig.json` and the imports in
 * the sources name the same packages of ours, and only those that the package may know.
 */
export function checkPackages(files: Files): Fault[] {
  const all = workspaces(files)
  const names = new Map(all.map(({ folder, manifest }) => [folder, manifest.name]))
  const own = new Set(names.values())
  return all.flatMap((workspace) => [
    ...checkDeclarations(files, workspace, names),
    ...checkForeign(files, workspace, own),
    ...checkEscapes(files, workspace.folder),
  ])
}

function checkDeclarations(
  files: Files,
  { folder, manifest }: Workspace,
  names: ReadonlyMap<string, string>,
): Fault[] {
  const own = new Set(names.values())
  const declared = declaredIn(manifest).filter((name) => own.has(name))
  const referenced = referencesOf(files, folder)
    .map((path) => names.get(path) ?? path)
    .filter((name) => name !== manifest.name)
  const imported = [...foreignImports(files, folder)]
    .map(({ name }) => name)
    .filter((name) => own.has(name) && name !== manifest.name)
  const faults: Fault[] = []
  const say = (file: string, message: string): void => {
    faults.push({ rule: 'packages', file: `${folder}/${file}`, line: 1, message })
  }
  for (const name of new Set([...declared, ...referenced, ...imported])) {
    const facts = [
      `${declared.includes(name) ? 'a' : 'no'} dependency in package.json`,
      `${referenced.includes(name) ? 'a' : 'no'} reference in tsconfig.json`,
      `${imported.includes(name) ? 'an' : 'no'} import in the sources`,
    ]
    const count = facts.filter((fact) => !fact.startsWith('no ')).length
    if (count < facts.length) {
      say('package.json', `'${name}' has ${facts.join(', ')}. All three or none.`)
    }
    if (folder.startsWith('packages/') && !(mayKnow[manifest.name] ?? ['tidings']).includes(name)) {
      say('package.json', `'${manifest.name}' may not know '${name}': adapters know core only.`)
    }
  }
  return faults
}

function checkForeign(
  files: Files,
  { folder, manifest }: Workspace,
  own: ReadonlySet<string>,
): Fault[] {
  const declared = new Set(declaredIn(manifest))
  const faults: Fault[] = []
  for (const { name, file, line } of foreignImports(files, folder)) {
    if (name === manifest.name || own.has(name)) continue
    if (!declared.has(name)) {
      const message = `'${name}' is imported, but ${folder}/package.json does not depend on it.`
      faults.push({ rule: 'packages', file, line, message })
    }
    const allowed = coreMayImport.some((rule) => rule.name === name && rule.file.test(file))
    if (folder === 'packages/core' && !allowed) {
      const message = `Core imports '${name}'. It may import node: modules, @standard-schema/spec, and zod in a file called zod….ts.`
      faults.push({ rule: 'packages', file, line, message })
    }
  }
  return faults
}

/** What is shipped, and what shows users how to do it, names other packages as users must. */
function checkEscapes(files: Files, folder: string): Fault[] {
  const faults: Fault[] = []
  for (const [file, text] of files) {
    if (!file.startsWith(`${folder}/src/`)) continue
    for (const { specifier, line } of importsOf(text)) {
      const target = posix.join(posix.dirname(file), specifier)
      if (!specifier.startsWith('.') || target.startsWith(`${folder}/`)) continue
      const message = `'${specifier}' leaves ${folder}. Import the other package by its name.`
      faults.push({ rule: 'packages', file, line, message })
    }
  }
  return faults
}

function declaredIn(manifest: Manifest): string[] {
  return Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  })
}

function referencesOf(files: Files, folder: string): string[] {
  const text = files.get(`${folder}/tsconfig.json`) ?? '{}'
  // tsconfig.json may hold comments; ours stand on lines of their own
  const { references = [] } = JSON.parse(text.replaceAll(/^\s*\/\/.*/gm, '')) as {
    references?: readonly { path: string }[]
  }
  return references.map(({ path }) => posix.join(folder, path))
}

/** Imports of packages in what the folder ships or runs: its tests have the root's tools. */
function* foreignImports(
  files: Files,
  folder: string,
): Generator<{ name: string; file: string; line: number }> {
  for (const [file, text] of files) {
    if (!file.startsWith(`${folder}/`) || !isSource(file) || file.includes('/test/')) continue
    for (const { specifier, line } of importsOf(text)) {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) continue
      const parts = specifier.split('/')
      yield { name: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/'), file, line }
    }
  }
}

/** A file says one thing. */
export function checkSizes(files: Files): Fault[] {
  return [...files]
    .filter(([file]) => isSource(file))
    .map(([file, text]) => ({ file, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ file, lines }) => ({
      rule: 'sizes',
      file,
      line: maxLines,
      message: `${lines} lines; at most ${maxLines}. Which of its things can have a file of its own?`,
    }))
}
