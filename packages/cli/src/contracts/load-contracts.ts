import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  createRegistry,
  type AnyAggregate,
  type AnyDefinition,
  type AnyTaskDefinition,
  type AnyTopic,
  type Registry,
} from 'tidings/contract'
import type { VerbContext } from '../context.ts'
import { Failure } from '../failure.ts'

export interface Contracts {
  readonly registry: Registry
  /** Events, tasks and commands, the results of tasks and what aggregates bring included. */
  readonly definitions: readonly AnyDefinition[]
}

/**
 * Loads the module of `--contracts` and takes every definition that it exports: definitions, modules,
 * aggregates, and arrays or plain objects of them.
 *
 * @throws {Failure} when it is not there, does not load, exports no contract, or its contracts do not
 *   fit together
 */
export async function loadContracts(module: string, context: VerbContext): Promise<Contracts> {
  const parts = await gatherParts(module, context)
  await compileSchemas(parts)
  const registry = createRegistry(parts.definitions, {
    aggregates: parts.aggregates,
    topics: parts.topics,
    verbs: parts.verbs,
  })
  return { registry, definitions: [...registry.definitions.values()] }
}

/** What a module says of names alone. */
export interface NamedContracts {
  readonly definitions: ReadonlySet<AnyDefinition>
  readonly verbs: readonly string[]
}

/**
 * Takes the contracts of a module without fitting them together, which would refuse the very names
 * that are to be judged.
 *
 * @throws {Failure} when it is not there, does not load, or exports no contract
 */
export async function loadNames(module: string, context: VerbContext): Promise<NamedContracts> {
  const { definitions, aggregates, verbs } = await gatherParts(module, context)
  for (const { events, commands } of aggregates) {
    for (const definition of [...events, ...commands]) definitions.add(definition)
  }
  for (const definition of definitions) {
    const { results = [] } = definition as Partial<AnyTaskDefinition>
    for (const result of results) definitions.add(result)
  }
  return { definitions, verbs }
}

async function gatherParts(module: string, context: VerbContext): Promise<Gathered> {
  const { t } = context
  const exported = await importModule(module, context)
  const parts: Gathered = {
    definitions: new Set(),
    aggregates: new Set(),
    topics: new Set(),
    verbs: readVerbs(exported['verbs']),
    seen: new Set(),
  }
  gather(exported, parts, 0)
  if (parts.definitions.size === 0 && parts.aggregates.size === 0) {
    const names = Object.keys(exported).join(', ') || t('contracts.no-exports')
    throw new Failure('TIDINGS_CLI_CONTRACTS', t('contracts.none', { module, names }), {
      hint: t('contracts.none-hint'),
    })
  }
  return parts
}

/** The verbs that a team adds stand beside its contracts: `export const verbs = ['Nudged']`. */
function readVerbs(exported: unknown): readonly string[] {
  return Array.isArray(exported) ? exported.filter((verb) => typeof verb === 'string') : []
}

async function importModule(
  module: string,
  { cwd, t }: VerbContext,
): Promise<Record<string, unknown>> {
  const path = resolve(cwd, module)
  const isPath = /^\.{0,2}\//.test(module) || existsSync(path)
  if (isPath && !existsSync(path)) {
    throw new Failure('TIDINGS_CLI_CONTRACTS', t('contracts.missing', { module, path }), {
      hint: t('contracts.missing-hint'),
    })
  }
  try {
    return (await (isPath
      ? import(pathToFileURL(path).href)
      : importPackage(module, cwd))) as Record<string, unknown>
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new Failure('TIDINGS_CLI_CONTRACTS', t('contracts.does-not-load', { module, reason }), {
      hint: t('contracts.does-not-load-hint'),
      cause: error,
    })
  }
}

/** Imports a package as a file in the caller's folder would: from here it would be sought beside this package. */
async function importPackage(name: string, cwd: string): Promise<unknown> {
  const parentURL = pathToFileURL(join(cwd, 'tidings.contracts.js')).href
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, specifier === name ? { ...context, parentURL } : context),
  })
  try {
    return await import(name)
  } finally {
    hooks.deregister()
  }
}

interface Gathered {
  readonly definitions: Set<AnyDefinition>
  readonly aggregates: Set<AnyAggregate>
  readonly topics: Set<AnyTopic>
  readonly verbs: readonly string[]
  readonly seen: Set<unknown>
}

const DEPTH_LIMIT = 4

/** Takes what it knows by its `kind`; everything else that a module exports is none of its business. */
function gather(value: unknown, parts: Gathered, depth: number): void {
  if (
    value === null ||
    (typeof value !== 'object' && typeof value !== 'function') ||
    parts.seen.has(value)
  )
    return
  parts.seen.add(value)
  const { kind, parts: children } = value as { readonly kind?: unknown; readonly parts?: unknown }
  switch (kind) {
    case 'event':
    case 'task':
    case 'command':
      parts.definitions.add(value as AnyDefinition)
      return
    case 'aggregate':
      parts.aggregates.add(value as AnyAggregate)
      return
    case 'topic':
      parts.topics.add(value as AnyTopic)
      return
    case 'module':
      gather(children, parts, depth)
      return
    default:
      if (depth < DEPTH_LIMIT && typeof value === 'object')
        for (const child of Object.values(value)) gather(child, parts, depth + 1)
  }
}

/** zod's schemas are compiled where zod is at hand; the others, and zod without it, check as they are. */
async function compileSchemas({ definitions, aggregates }: Gathered): Promise<void> {
  const all = [
    ...definitions,
    ...[...aggregates].flatMap(({ events, commands }) => [...events, ...commands]),
  ]
  if (!all.some(({ schema }) => schema['~standard'].vendor === 'zod')) return
  try {
    await import('tidings/zod')
  } catch (error) {
    // Without zod beside this package its schemas still check, only slower; `doctor` says so.
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
  }
}
