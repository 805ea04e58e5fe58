import type { VerbContext } from '../context.ts'
import { printable } from '../output/width.ts'
import type { Branch, TraceNode } from './tree.ts'

interface Step {
  readonly node: TraceNode
  readonly depth: number
  readonly orphan: boolean
  /** For each ancestor and the node itself: whether a sibling follows. */
  readonly follows: readonly boolean[]
}

/** Every node in the order in which it is printed. */
export function* walk(branches: readonly Branch[]): Generator<Step> {
  // A stack and not recursion: a chain of ten thousand causes is deeper than the call stack likes.
  const stack = branches.toReversed().map((branch, index) => ({ branch, follows: [index > 0] }))
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { branch, follows } = top
    yield { node: branch.node, depth: follows.length - 1, orphan: branch.orphan, follows }
    for (const [index, child] of branch.effects.toReversed().entries()) {
      stack.push({ branch: child, follows: [...follows, index > 0] })
    }
  }
}

/** Prints a trace as a tree. */
export async function printTree(
  tree: readonly Branch[],
  correlationId: string,
  { t, out }: VerbContext,
): Promise<void> {
  const { paint } = out
  await out.line(paint('dim', t('trace.correlation', { id: correlationId })))
  for (const { node, orphan, follows } of walk(tree)) {
    const lines = follows
      .slice(1)
      .map((more, level, all) => connector(more, level === all.length - 1))
    const name = printable(node.type)
    const label = node.kind === 'command' ? paint('cyan', `⌘ ${name}`) : paint('bold', name)
    const notes = [
      node.outcome === 'failed' ? paint('red', describeFailure(node, t)) : undefined,
      orphan && node.causationId !== undefined
        ? paint('yellow', t('trace.cause-missing', { id: node.causationId }))
        : undefined,
    ].filter((note) => note !== undefined)
    const where = [
      node.position === undefined ? undefined : `@${node.position}`,
      node.stream === undefined ? undefined : printable(node.stream),
      node.time,
      node.id,
    ]
    await out.line(
      [
        lines.join('') + label,
        paint('dim', where.filter((part) => part !== undefined).join('  ')),
        ...notes,
      ].join('  '),
    )
  }
}

function describeFailure({ failure }: TraceNode, t: VerbContext['t']): string {
  return failure === undefined
    ? t('trace.failed')
    : t('trace.failed-with', { failure: printable(failure) })
}

function connector(more: boolean, last: boolean): string {
  if (last) return more ? '├─ ' : '└─ '
  return more ? '│  ' : '   '
}
