import type { TraceEntry, TraceHandling } from './tracer.ts'

/** An entry, and what it led to. */
export interface TraceNode {
  readonly entry: TraceEntry
  readonly children: readonly TraceNode[]
}

/**
 * The entries of a trace as they led to each other. One whose cause is not among them is a root; where
 * ids go in a circle (they come from outside), the first entry of it is one too.
 */
export function traceTree(entries: readonly TraceEntry[]): readonly TraceNode[] {
  const ids = new Set(entries.map(({ id }) => id))
  const children = Map.groupBy(entries, ({ causationId }) => causationId)
  const placed = new Set<TraceEntry>()
  const place = (entry: TraceEntry): TraceNode => {
    placed.add(entry)
    const effects = (children.get(entry.id) ?? []).filter((effect) => !placed.has(effect))
    return { entry, children: effects.map(place) }
  }
  const isRoot = ({ causationId }: TraceEntry): boolean =>
    causationId === undefined || !ids.has(causationId)
  const roots = entries.filter(isRoot).map(place)
  // What is in no tree yet belongs to a circle.
  for (const entry of entries) if (!placed.has(entry)) roots.push(place(entry))
  return roots
}

/** A tree as indented lines, for a console. */
export function formatTrace(nodes: readonly TraceNode[], indent = ''): string {
  return nodes
    .flatMap(({ entry, children }) => [
      `${indent}${entry.type}`,
      ...entry.handled.map((handling) => `${indent}  ${formatHandling(entry, handling)}`),
      ...(children.length === 0 ? [] : [formatTrace(children, `${indent}  `)]),
    ])
    .join('\n')
}

function formatHandling({ kind }: TraceEntry, handling: TraceHandling): string {
  const { handler, durationMs, error, next } = handling
  if (error === undefined && next !== undefined) return `→ ${handler}, ${next}`
  const name = kind === 'command' ? 'done' : handler
  const end = error === undefined ? '' : `, failed: ${error.name}: ${error.message}`
  const after = next === undefined ? '' : `, then ${next}`
  return `→ ${name}, ${durationMs.toFixed(1)} ms${end}${after}`
}
