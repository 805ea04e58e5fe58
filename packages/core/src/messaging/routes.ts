import type { AnyAggregate } from '../contract/define-aggregate.ts'
import type { AnyModule, AnyPart } from '../contract/define-module.ts'
import type { AnyCommandDefinition, AnyDefinition } from '../contract/definition.ts'
import type { AnyCommandHandler } from './command-handler.ts'

/** Whatever handles a command. */
export type Handler = AnyAggregate | AnyCommandHandler

/** An application's modules, laid out: what is defined, and who handles what. */
export interface Composition {
  readonly definitions: readonly AnyDefinition[]
  readonly aggregates: readonly AnyAggregate[]
  readonly handlers: ReadonlyMap<string, Handler>
  /** Commands with no handler or with two. */
  readonly problems: readonly string[]
  /** What has nothing to do with commands, and the module that it is in. */
  readonly others: readonly { readonly module: string; readonly part: AnyPart }[]
}

/** Reads modules: collects every definition, and finds exactly one handler for each command. */
export function compose(modules: readonly AnyModule[]): Composition {
  const definitions = new Set<AnyDefinition>()
  const aggregates = new Set<AnyAggregate>()
  const handlers = new Map<string, Handler>()
  const problems: string[] = []
  const others: { readonly module: string; readonly part: AnyPart }[] = []

  const handle = (command: AnyCommandDefinition, handler: Handler): void => {
    definitions.add(command)
    const first = handlers.get(command.type)
    if (first === undefined) handlers.set(command.type, handler)
    else
      problems.push(
        `'${command.type}' has two handlers: ${describe(first)} and ${describe(handler)}. Keep one.`,
      )
  }

  for (const module of modules) {
    for (const part of module.parts) {
      if (isDefinition(part)) definitions.add(part)
      else if (isAggregate(part)) {
        aggregates.add(part)
        for (const command of part.commands) handle(command, part)
      } else if (isCommandHandler(part)) handle(part.command, part)
      else others.push({ module: module.name, part })
    }
  }
  problems.push(...unhandled(definitions, handlers))
  return { definitions: [...definitions], aggregates: [...aggregates], handlers, problems, others }
}

function unhandled(
  definitions: ReadonlySet<AnyDefinition>,
  handlers: ReadonlyMap<string, Handler>,
): string[] {
  return [...definitions]
    .filter((definition) => definition.kind === 'command' && !handlers.has(definition.type))
    .map(
      (command) =>
        `'${command.type}' has no handler. Add it to an aggregate's 'commands', or define a command handler.`,
    )
}

function describe(handler: Handler): string {
  return handler.kind === 'aggregate' ? `aggregate '${handler.type}'` : 'a command handler'
}

function isDefinition(part: AnyPart): part is AnyPart & AnyDefinition {
  return part.kind === 'event' || part.kind === 'task' || part.kind === 'command'
}

function isAggregate(part: AnyPart): part is AnyAggregate {
  return part.kind === 'aggregate'
}

function isCommandHandler(part: AnyPart): part is AnyPart & AnyCommandHandler {
  return part.kind === 'command-handler'
}
