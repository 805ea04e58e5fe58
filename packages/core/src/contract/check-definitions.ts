import type { AnyAggregate } from './define-aggregate.ts'
import type {
  AnyDefinition,
  AnyEventDefinition,
  AnyTaskDefinition,
  AnyTopic,
} from './definition.ts'
import { lintCapabilityType, lintCommandType, lintEventType, type NameReason } from './lint-name.ts'
import { toEnumName } from './names.ts'

/** Everything that a registry is made of, each object once. */
export interface RegistryParts {
  readonly definitions: readonly AnyDefinition[]
  readonly aggregates: readonly AnyAggregate[]
  readonly topics: readonly AnyTopic[]
}

/** What is wrong with the contracts of a process, a sentence each; none when they fit together. */
export function checkDefinitions(
  parts: RegistryParts,
  verbs: readonly string[] | undefined,
): readonly string[] {
  const results = new Map<AnyDefinition, AnyTaskDefinition>()
  for (const task of parts.definitions.filter(isTask))
    for (const result of task.results) results.set(result, task)
  return [
    ...parts.definitions.flatMap((definition) => checkName(definition, results, verbs)),
    ...checkTaken(parts.definitions),
    ...checkAggregates(parts.aggregates),
    ...parts.definitions.filter(isRecorded).flatMap(checkUpcasts),
    ...checkTopicSettings(parts.topics),
    ...checkTopicKinds(parts.definitions.filter(isRecorded), results),
  ]
}

function isTask(definition: AnyDefinition): definition is AnyTaskDefinition {
  return definition.kind === 'task'
}

function isRecorded(definition: AnyDefinition): definition is AnyEventDefinition {
  return definition.kind !== 'command'
}

function checkName(
  definition: AnyDefinition,
  results: ReadonlyMap<AnyDefinition, AnyTaskDefinition>,
  verbs: readonly string[] | undefined,
): readonly string[] {
  const lint = lintFor(definition, results)
  return lint(definition.type, { verbs }).map((reason) => describeReason(definition, reason))
}

function lintFor(
  definition: AnyDefinition,
  results: ReadonlyMap<AnyDefinition, AnyTaskDefinition>,
): typeof lintEventType {
  if (definition.kind === 'command') return lintCommandType
  return isTask(definition) || results.has(definition) ? lintCapabilityType : lintEventType
}

function describeReason(definition: AnyDefinition, { message, suggestion }: NameReason): string {
  const hint = suggestion === undefined ? '' : ` (for example '${suggestion}')`
  return `'${definition.type}': ${message}${hint}`
}

type NameKind = 'type' | 'alias' | 'enum name'

/** Types, aliases and enum names are looked up in one table, so none may stand for two contracts. */
function checkTaken(definitions: readonly AnyDefinition[]): readonly string[] {
  const problems: string[] = []
  const taken = new Map<string, { readonly definition: AnyDefinition; readonly kind: NameKind }>()
  const take = (name: string, kind: NameKind, definition: AnyDefinition): void => {
    const other = taken.get(name)
    if (other === undefined) taken.set(name, { definition, kind })
    else if (other.definition !== definition)
      problems.push(describeClash(name, kind, definition, other))
    else if (kind === 'alias') problems.push(describeOwnClash(name, definition, other.kind))
  }
  for (const definition of definitions) take(definition.type, 'type', definition)
  for (const definition of definitions)
    for (const alias of definition.aliases) take(alias, 'alias', definition)
  for (const definition of definitions) {
    // Two definitions of one type were told above; their enum name says nothing more.
    if (taken.get(definition.type)?.definition === definition)
      take(toEnumName(definition.type), 'enum name', definition)
  }
  return problems
}

function describeClash(
  name: string,
  kind: NameKind,
  definition: AnyDefinition,
  other: { readonly definition: AnyDefinition; readonly kind: NameKind },
): string {
  if (kind === 'type') {
    return `'${name}' is defined twice, as ${describeKind(other.definition)} and as ${describeKind(definition)}; keep one definition and import it`
  }
  const owner = `'${other.definition.type}'`
  if (kind === 'alias') {
    const what = other.kind === 'type' ? 'the type of another contract' : `an alias of ${owner} too`
    return `'${definition.type}': its alias '${name}' is ${what}`
  }
  return `'${definition.type}': its enum name ${name} is the ${other.kind} of ${owner} too; rename one of them`
}

function describeKind({ kind, version }: AnyDefinition): string {
  return `${kind} version ${version}`
}

function describeOwnClash(name: string, definition: AnyDefinition, kind: NameKind): string {
  return kind === 'type'
    ? `'${definition.type}': it is its own alias; leave '${name}' out`
    : `'${definition.type}': the alias '${name}' stands twice`
}

function checkAggregates(aggregates: readonly AnyAggregate[]): readonly string[] {
  const seen = new Set<string>()
  return aggregates.flatMap(({ type }) => {
    if (seen.has(type))
      return [`the aggregate '${type}' is defined twice; keep one definition and import it`]
    seen.add(type)
    return []
  })
}

/** `defineEvent` refuses these too; a definition may also come from elsewhere, or be a changed copy. */
function checkUpcasts(definition: AnyEventDefinition): readonly string[] {
  const { type, version, upcast, history } = definition
  const steps = Array.from({ length: Math.max(0, version - 1) }, (_, index) => index + 1)
  const missing = steps.filter((step) => typeof upcast[step] !== 'function')
  const isStep = (key: string): boolean => steps.includes(Number(key))
  return [
    ...missing.map(
      (step) => `'${type}': version ${version} has no upcaster from version ${step} to ${step + 1}`,
    ),
    ...(['upcast', 'history'] as const).flatMap((table) =>
      Object.keys(table === 'upcast' ? upcast : history)
        .filter((key) => !isStep(key))
        .map(
          (key) =>
            `'${type}': '${table}' has an entry ${key}, but the current version is ${version}`,
        ),
    ),
  ]
}

const SETTINGS = [
  'carries',
  'partitions',
  'replicas',
  'retentionMs',
  'segmentMs',
  'cleanup',
] as const

function checkTopicSettings(topics: readonly AnyTopic[]): readonly string[] {
  const first = new Map<string, AnyTopic>()
  return topics.flatMap((topic) => {
    const other = first.get(topic.name)
    if (other === undefined) first.set(topic.name, topic)
    const differing = SETTINGS.filter(
      (setting) => other !== undefined && other[setting] !== topic[setting],
    )
    return differing.map(
      (setting) =>
        `the topic '${topic.name}' is declared twice, with ${setting} ${other?.[setting]} and ${topic[setting]}; declare it once and import it`,
    )
  })
}

function checkTopicKinds(
  definitions: readonly AnyEventDefinition[],
  results: ReadonlyMap<AnyDefinition, AnyTaskDefinition>,
): readonly string[] {
  const domains = new Set<string>()
  for (const definition of definitions) {
    if (definition.topic?.carries === 'facts' && !results.has(definition))
      domains.add(namespaceOf(definition))
  }
  return definitions.flatMap((definition) => {
    const wrong = describeWrongTopic(definition, results.get(definition), domains)
    return wrong === undefined ? [] : [`'${definition.type}': ${wrong}`]
  })
}

function describeWrongTopic(
  definition: AnyEventDefinition,
  task: AnyTaskDefinition | undefined,
  domains: ReadonlySet<string>,
): string | undefined {
  const { topic } = definition
  if (topic === undefined) return undefined
  const where = `topic '${topic.name}' carries ${topic.carries}`
  if (isTask(definition))
    return topic.carries === 'tasks'
      ? undefined
      : `a task goes on a topic that carries tasks, and ${where}`
  if (topic.carries === 'tasks')
    return `a fact goes on a topic that carries facts or results, and ${where}`
  if (task !== undefined && topic.carries === 'facts') {
    return `it is a result of the task '${task.type}', no fact of a domain: it goes on a topic that carries results, and ${where}`
  }
  // A process may know a capability's result without its task, but a domain has no results.
  if (task === undefined && topic.carries === 'results' && domains.has(namespaceOf(definition))) {
    return `it is a fact of the domain '${namespaceOf(definition)}' and no task's result: it goes on a topic that carries facts, and ${where}`
  }
  return undefined
}

function namespaceOf(definition: AnyDefinition): string {
  return definition.type.slice(0, definition.type.indexOf('.'))
}
