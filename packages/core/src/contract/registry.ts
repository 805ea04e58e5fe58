import { UnknownNameError, RegistryError } from '../errors/usage-errors.ts'
import { nearestNames } from '../internal/nearest.ts'
import { checkDefinitions, type RegistryParts } from './check-definitions.ts'
import { declareContracts, type DeclaredContract } from './declared.ts'
import type { AnyAggregate } from './define-aggregate.ts'
import type {
  AnyCommandDefinition,
  AnyDefinition,
  AnyEventDefinition,
  AnyTaskDefinition,
  AnyTopic,
} from './definition.ts'
import type { StoredEnvelope } from './envelope.ts'
import { compileGlob, isGlob } from './glob.ts'
import { isEnumName, toEnumName } from './names.ts'
import { prepareReading, type EventReading } from './read-event.ts'

export interface RegistryOptions {
  /** Verbs in the past tense that the team adds to the vocabulary: `['Nudged']`. */
  readonly verbs?: readonly string[] | undefined
  /** Their events and commands are taken in, and their types checked. */
  readonly aggregates?: Iterable<AnyAggregate> | undefined
  /** Topics that no definition names. */
  readonly topics?: Iterable<AnyTopic> | undefined
}

/** All contracts of a process, checked against each other, found by any name they have. */
export interface Registry {
  /** By dotted type: events, tasks and commands. */
  readonly definitions: ReadonlyMap<string, AnyDefinition>
  readonly topics: ReadonlyMap<string, AnyTopic>
  /** The dotted type behind a type, an alias or an enum name; undefined where none has it. */
  canonicalType(name: string): string | undefined
  /** The fact or task with this name. */
  event(name: string): AnyEventDefinition | undefined
  command(name: string): AnyCommandDefinition | undefined
  /** @throws {UnknownNameError} with the nearest known names */
  require(name: string): AnyDefinition
  /**
   * Every name under which events of a type may stand in a log: the type, its aliases, its enum name.
   * An unknown name stands for itself alone.
   */
  namesOf(name: string): readonly string[]
  /** The dotted types of events and tasks that a glob fits; for a name without `*`, the type it stands for. */
  expand(pattern: string): readonly string[]
  /**
   * What a filter of a log must match to find what a name or glob means: the glob itself and every
   * other name of the types that it fits; for a name, {@link Registry.namesOf}.
   */
  storedNames(pattern: string): readonly string[]
  /** The known names that a mistyped one most likely meant, nearest first. */
  nearest(name: string): readonly string[]
  /** @throws {UnknownNameError} with the nearest known enum names */
  fromEnumName(enumName: string): string
  /** Every contract as data, a version each. */
  declared(): readonly DeclaredContract[]
  /**
   * An event as its current contract says it: current name, upcast, parsed. Payloads written under
   * today's schema come back as the same object; so do events of an unknown type.
   *
   * @throws {ContractError} `TIDINGS_VERSION_UNKNOWN`, `TIDINGS_PAYLOAD_INVALID`, `TIDINGS_UPCAST_FAILED`
   */
  readonly read: (envelope: StoredEnvelope) => StoredEnvelope
}

/**
 * Takes in all contracts of a process. The results of tasks, and the events and commands of
 * aggregates, come in with them; the very same definition may come twice.
 *
 * @throws {RegistryError} with every problem, not the first: duplicate types and aliases, gaps in
 *   upcast chains, topics of the wrong kind or told twice in different ways, names against the rules,
 *   enum names that collide.
 */
export function createRegistry(
  definitions: Iterable<AnyDefinition>,
  options: RegistryOptions = {},
): Registry {
  const parts = gatherParts(definitions, options)
  const problems = checkDefinitions(parts, options.verbs)
  if (problems.length > 0) throw new RegistryError(problems)
  return buildRegistry(parts)
}

function gatherParts(
  definitions: Iterable<AnyDefinition>,
  options: RegistryOptions,
): RegistryParts {
  const aggregates = new Set(options.aggregates ?? [])
  const gathered = new Set<AnyDefinition>()
  const add = (definition: AnyDefinition): void => {
    gathered.add(definition)
    if (definition.kind === 'task')
      for (const result of (definition as AnyTaskDefinition).results) gathered.add(result)
  }
  for (const definition of definitions) add(definition)
  for (const { events, commands } of aggregates) {
    events.forEach(add)
    commands.forEach(add)
  }
  const topics = new Set(options.topics ?? [])
  for (const definition of gathered) {
    const { topic } = definition as Partial<AnyEventDefinition>
    if (topic !== undefined) topics.add(topic)
  }
  return { definitions: [...gathered], aggregates: [...aggregates], topics: [...topics] }
}

function buildRegistry(parts: RegistryParts): Registry {
  const definitions = new Map(parts.definitions.map((definition) => [definition.type, definition]))
  const byName = nameTable(parts.definitions)
  const readings = readingTable(parts.definitions)
  const find = (name: string): AnyDefinition | undefined => byName.get(name)
  let declared: readonly DeclaredContract[] | undefined
  const nearest = (name: string): readonly string[] => nearestNames(name, nameableBy(name, byName))
  const requireDefinition = (name: string): AnyDefinition => {
    const definition = find(name)
    if (definition !== undefined) return definition
    throw new UnknownNameError(name, nearest(name))
  }
  return {
    definitions,
    topics: new Map(parts.topics.map((topic) => [topic.name, topic])),
    canonicalType: (name) => find(name)?.type,
    event: (name) => readings.get(name)?.definition,
    command: (name) => onlyCommand(find(name)),
    require: requireDefinition,
    namesOf: (name) => namesOf(find(name)) ?? [name],
    expand: (pattern) => expand(pattern, find, definitions),
    storedNames(pattern) {
      if (!isGlob(pattern)) return namesOf(find(pattern)) ?? [pattern]
      const types = expand(pattern, find, definitions)
      return [
        ...new Set([pattern, ...types.flatMap((type) => (namesOf(find(type)) ?? []).slice(1))]),
      ]
    },
    nearest,
    fromEnumName(enumName) {
      if (isEnumName(enumName)) return requireDefinition(enumName).type
      throw new UnknownNameError(enumName, nearest(toEnumName(enumName)))
    },
    declared: () => (declared ??= Object.freeze(parts.definitions.flatMap(declareContracts))),
    read: (envelope) => readings.get(envelope.eventType)?.read(envelope) ?? envelope,
  }
}

/** The type, its aliases, and the enum name that follows from it. */
function namesOf(definition: AnyDefinition | undefined): readonly string[] | undefined {
  if (definition === undefined) return undefined
  return [...new Set([definition.type, ...definition.aliases, toEnumName(definition.type)])]
}

/** Enum names are offered to whoever wrote one, and to nobody else. */
function nameableBy(name: string, table: ReadonlyMap<string, AnyDefinition>): readonly string[] {
  const asEnum = isEnumName(name)
  return [...table.keys()].filter((known) => isEnumName(known) === asEnum)
}

function nameTable(definitions: readonly AnyDefinition[]): Map<string, AnyDefinition> {
  const table = new Map<string, AnyDefinition>()
  for (const definition of definitions)
    for (const name of namesOf(definition) ?? []) table.set(name, definition)
  return table
}

function readingTable(definitions: readonly AnyDefinition[]): Map<string, EventReading> {
  const table = new Map<string, EventReading>()
  for (const definition of definitions) {
    if (definition.kind === 'command') continue
    const reading = prepareReading(definition as AnyEventDefinition)
    for (const name of namesOf(definition) ?? []) table.set(name, reading)
  }
  return table
}

function onlyCommand(definition: AnyDefinition | undefined): AnyCommandDefinition | undefined {
  return definition?.kind === 'command' ? (definition as AnyCommandDefinition) : undefined
}

function expand(
  pattern: string,
  find: (name: string) => AnyDefinition | undefined,
  definitions: ReadonlyMap<string, AnyDefinition>,
): readonly string[] {
  if (!isGlob(pattern)) {
    const definition = find(pattern)
    return definition === undefined || definition.kind === 'command' ? [] : [definition.type]
  }
  const matches = compileGlob(pattern)
  return Array.from(definitions.values())
    .filter((definition) => definition.kind !== 'command' && matches(definition.type))
    .map((definition) => definition.type)
}
