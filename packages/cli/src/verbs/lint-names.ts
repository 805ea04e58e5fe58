import {
  lintCapabilityType,
  lintCommandType,
  lintEventType,
  type NameReason,
} from 'tidings/contract'
import type { Arguments } from '../arguments/spec.ts'
import type { lintNamesSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { loadNames } from '../contracts/load-contracts.ts'
import { exitCodes, type ExitCode } from '../failure.ts'
import { printable } from '../output/width.ts'
import { openForReading } from '../store/open-store.ts'

interface NamedKind {
  readonly name: string
  readonly kind: 'event' | 'task' | 'command'
}

const lints = { event: lintEventType, task: lintCapabilityType, command: lintCommandType } as const

/** `tidings lint-names`: which names break the rules, why, and what would keep them. */
export async function runLintNames(
  context: VerbContext,
  { options, rest }: Arguments<typeof lintNamesSpec>,
): Promise<ExitCode> {
  const { t, out } = context
  const { names, verbs = [] } = await gatherNames(rest, options.contracts, context)
  let wrong = 0
  for (const { name, kind } of names) {
    const reasons = lints[kind](name, { verbs: [...verbs, ...options.verb] })
    if (reasons.length > 0) wrong++
    if (out.json) await out.record({ name, kind, ok: reasons.length === 0, reasons })
    else await printReasons(name, reasons, context)
  }
  const summary = t('lint-names.done', { names: names.length, wrong })
  if (!out.json)
    await out.line(wrong === 0 ? out.paint('green', summary) : out.paint('yellow', summary))
  return wrong === 0 ? exitCodes.done : exitCodes.failed
}

async function printReasons(
  name: string,
  reasons: readonly NameReason[],
  { out, t }: VerbContext,
): Promise<void> {
  if (reasons.length === 0) return
  await out.line(out.paint('bold', printable(name)))
  for (const reason of reasons)
    await out.line(`  ${printable(reason.part)}: ${printable(reason.message)}`)
  const suggestion = reasons.find((reason) => reason.suggestion !== undefined)?.suggestion
  if (suggestion !== undefined)
    await out.line(`  → ${out.paint('green', t('lint-names.suggestion', { name: suggestion }))}`)
}

async function gatherNames(
  rest: readonly string[],
  module: string | undefined,
  context: VerbContext,
): Promise<{ readonly names: readonly NamedKind[]; readonly verbs?: readonly string[] }> {
  if (rest.length > 0) return { names: rest.map((name) => ({ name, kind: 'event' })) }
  if (module !== undefined) {
    const { definitions, verbs } = await loadNames(module, context)
    return { names: Array.from(definitions, ({ type, kind }) => ({ name: type, kind })), verbs }
  }
  await using store = await openForReading(context)
  const kinds = new Map((await store.contracts.list()).map(({ type, kind }) => [type, kind]))
  const types = await store.catalog.types()
  return {
    names: types.map(({ eventType }) => ({
      name: eventType,
      kind: kinds.get(eventType) ?? 'event',
    })),
  }
}
