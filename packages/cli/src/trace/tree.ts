/** A command or an event in a trace. */
export interface TraceNode {
  readonly kind: 'command' | 'event'
  readonly id: string
  readonly type: string
  /** What led to it; undefined where nothing did. */
  readonly causationId: string | undefined
  /** ISO 8601. */
  readonly time: string
  readonly stream: string | undefined
  readonly position: number | undefined
  /** Siblings stand in this order; equal ones by time. */
  readonly order: number
  readonly outcome: 'done' | 'failed' | undefined
  /** Of a failed command: the code of its error, else its message; undefined where nothing was kept. */
  readonly failure: string | undefined
}

/** A node and what came of it. */
export interface Branch {
  readonly node: TraceNode
  readonly effects: readonly Branch[]
  /** It names a cause that is not among the nodes: another correlation's, another log's, or beyond the limit. */
  readonly orphan: boolean
}

interface GrowingBranch extends Branch {
  readonly effects: GrowingBranch[]
  readonly orphan: boolean
}

/**
 * The causal trees of a set of nodes, roots in order. Each node is in them exactly once. Causes that go
 * round in a circle cannot come from here, but an imported log may say so: the first node of such a
 * circle then stands as a root, with its cause marked as missing.
 */
export function growTree(nodes: readonly TraceNode[]): readonly Branch[] {
  const sorted = nodes.toSorted(
    (a, b) => a.order - b.order || compare(a.time, b.time) || compare(a.kind, b.kind),
  )
  const known = new Map(sorted.map((node) => [node.id, node]))
  const rootIds = new Set(sorted.filter((node) => isRoot(node, known)).map(({ id }) => id))
  breakCircles(sorted, known, rootIds)
  const branches = new Map<string, GrowingBranch>()
  for (const node of sorted) {
    const orphan = rootIds.has(node.id) && node.causationId !== undefined
    branches.set(node.id, { node, effects: [], orphan })
  }
  const roots: GrowingBranch[] = []
  for (const branch of branches.values()) {
    const cause = rootIds.has(branch.node.id)
      ? undefined
      : branches.get(branch.node.causationId ?? '')
    ;(cause?.effects ?? roots).push(branch)
  }
  return roots
}

function isRoot({ causationId }: TraceNode, known: ReadonlyMap<string, TraceNode>): boolean {
  return causationId === undefined || !known.has(causationId)
}

/** Makes one node of each circle a root, so that following causes always ends. */
function breakCircles(
  nodes: readonly TraceNode[],
  known: ReadonlyMap<string, TraceNode>,
  rootIds: Set<string>,
): void {
  // Nodes that are known to end at a root: a chain is walked once, not once per member.
  const settled = new Set<string>()
  for (const node of nodes) {
    const path = new Set<string>()
    let current: TraceNode | undefined = node
    while (current !== undefined && !rootIds.has(current.id) && !settled.has(current.id)) {
      if (path.has(current.id)) {
        rootIds.add(current.id)
        break
      }
      path.add(current.id)
      current = known.get(current.causationId ?? '')
    }
    for (const id of path) settled.add(id)
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
