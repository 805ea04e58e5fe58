import type { Store } from 'tidings'
import { isUuid, toCorrelationId } from 'tidings/contract'
import type { Arguments } from '../arguments/spec.ts'
import type { traceSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode, Failure } from '../failure.ts'
import { openForReading } from '../store/open-store.ts'
import { printTree, walk } from '../trace/print-tree.ts'
import { readNodes } from '../trace/read-nodes.ts'
import { growTree, type TraceNode } from '../trace/tree.ts'

/** Enough for any flow that a person reads; a correlation can hold a million events. */
const DEFAULT_LIMIT = 10_000

/** `tidings trace`: what led to what, from the first command on. */
export async function runTrace(
  context: VerbContext,
  { options, rest }: Arguments<typeof traceSpec>,
): Promise<ExitCode> {
  const { t, out } = context
  const asked = rest[0] ?? ''
  await using store = await openForReading(context)
  const correlationId = await findCorrelation(store, asked)
  const limit = options.limit ?? DEFAULT_LIMIT
  const nodes = await readNodes(store, correlationId, limit + 1)
  if (nodes.length === 0) {
    throw new Failure(
      'TIDINGS_CLI_NO_EVENT',
      t('trace.nothing', { id: asked, store: store.location }),
      {
        hint: t('show.find-ids'),
        facts: { id: asked },
      },
    )
  }
  if (nodes.length > limit) out.note(t('trace.more', { limit }))
  const tree = growTree(nodes.slice(0, limit))
  if (out.json)
    for (const { node, depth, orphan } of walk(tree))
      await out.record(nodeJson(node, depth, orphan))
  else await printTree(tree, correlationId, context)
  return exitCodes.done
}

/** The correlation of the event or command with this id; else the id is taken for a correlation itself. */
async function findCorrelation(store: Store, id: string): Promise<string> {
  const known = isUuid(id)
    ? ((await store.findEvent(id.toLowerCase())) ?? (await store.commands.find(id.toLowerCase())))
    : undefined
  return known?.correlationId ?? toCorrelationId(id)
}

function nodeJson(node: TraceNode, depth: number, orphan: boolean): Record<string, unknown> {
  const { kind, id, type, causationId, time, stream, position, outcome, failure } = node
  return {
    depth,
    kind,
    id,
    type,
    causation_id: causationId ?? null,
    timestamp: time,
    stream: stream ?? null,
    position: position ?? null,
    ...(outcome === undefined ? {} : { outcome }),
    ...(failure === undefined ? {} : { failure }),
    ...(orphan ? { cause_missing: true } : {}),
  }
}
