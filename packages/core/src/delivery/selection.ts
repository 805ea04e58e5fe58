import type { Registry } from '../contract/registry.ts'
import { compileGlob, isGlob } from '../contract/glob.ts'
import type { SubscribedTo } from './define-subscription.ts'

/** Which events of the log a subscription is about. */
export interface Selection {
  /** For a reading through the indexes: names and globs as they are stored; undefined: everything. */
  readonly types: readonly string[] | undefined
  /** `undeclared`: a glob fits it, and no contract of this application has the name. */
  choose(eventType: string): 'wanted' | 'undeclared' | 'other'
  /** Its events are passed on as they are, and nobody looks into their payloads. */
  readonly passesOn: boolean
}

/** Everything, whoever declared it, to be passed on: what a relay reads. */
export const EVERYTHING: Selection = {
  types: undefined,
  choose: () => 'wanted',
  passesOn: true,
}

/** Reads what a subscription has chosen, against the contracts of the application. */
export function makeSelection(chosen: readonly SubscribedTo[], registry: Registry): Selection {
  const globs = chosen.filter((one): one is string => typeof one === 'string' && isGlob(one))
  const names = new Set(chosen.flatMap((one) => namesOf(one, registry)))
  const fits = globs.map(compileGlob)
  const known = new Map<string, 'wanted' | 'undeclared' | 'other'>()
  const decide = (eventType: string): 'wanted' | 'undeclared' | 'other' => {
    if (names.has(eventType)) return 'wanted'
    return fits.some((fit) => fit(eventType)) ? 'undeclared' : 'other'
  }
  return {
    passesOn: false,
    types: globs.includes('**') ? undefined : [...names, ...globs],
    choose(eventType) {
      let choice = known.get(eventType)
      if (choice === undefined) {
        choice = decide(eventType)
        // Types are few; the bound is for a log that somebody fills with made-up ones.
        if (known.size < 10_000) known.set(eventType, choice)
      }
      return choice
    },
  }
}

function namesOf(chosen: SubscribedTo, registry: Registry): readonly string[] {
  if (typeof chosen !== 'string') return registry.namesOf(chosen.type)
  return registry.expand(chosen).flatMap((type) => registry.namesOf(type))
}

/** What is wrong with the choice of a subscription, as sentences. */
export function selectionProblems(
  name: string,
  chosen: readonly SubscribedTo[],
  registry: Registry,
): readonly string[] {
  return chosen
    .filter((one): one is string => typeof one === 'string')
    .filter((pattern) => registry.expand(pattern).length === 0)
    .map((pattern) => {
      const near = registry.nearest(pattern)
      const hint = near.length === 0 ? '' : ` Did you mean '${near[0]}'?`
      return `Subscription '${name}' is about '${pattern}', which no event of this application fits.${hint}`
    })
}
