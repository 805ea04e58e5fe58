import type { Store } from 'tidings'
import { compileGlob, toEnumName } from 'tidings/contract'
import type { VerbContext } from '../context.ts'

/** Under which names the events of a type may stand in a log. */
export interface Names {
  /** What a filter must match to find what a name or glob means. */
  storedNames(pattern: string): readonly string[]
}

/** The names of `--contracts MODULE`, else of what applications declared in the log itself. */
export async function loadNames(
  store: Store,
  module: string | undefined,
  context: VerbContext,
): Promise<Names> {
  if (module !== undefined) {
    const { loadContracts } = await import('./load-contracts.ts')
    return (await loadContracts(module, context)).registry
  }
  return namesOfDeclared(await store.contracts.list())
}

/** Names of contracts that are there as data only. */
export function namesOfDeclared(
  contracts: readonly { readonly type: string; readonly aliases: readonly string[] }[],
): Names {
  const families = new Map(
    contracts.map(
      ({ type, aliases }) => [type, [...new Set([type, ...aliases, toEnumName(type)])]] as const,
    ),
  )
  return {
    storedNames(pattern) {
      const isGlob = pattern.includes('*')
      const matches = compileGlob(pattern)
      const meant = [...families].filter(([type, family]) =>
        isGlob ? matches(type) : family.includes(pattern),
      )
      return [...new Set([pattern, ...meant.flatMap(([, family]) => family)])]
    },
  }
}
