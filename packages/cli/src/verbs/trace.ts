import type { Store } from 'tidings'
import { isUuid, toCorrelationId } from 'tidings/contract'
import type { Arguments } from '../arguments/spec.ts'
import type { traceSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { exitCodes, type ExitCode, Failure } from '../failure.ts'
import { printable } from '../output/width.ts'
import { openForReading } from '../store/open-store.ts'
import { growTree, type Branch, type TraceNode } from '../trace/tree.ts'

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

async function readNodes(store: Store, correlationId: string, limit: number): Promise<TraceNode[]> {
  const commands = await store.commands.byCorrelation(correlationId)
  const events = await store.query({ correlationId }, { limit }).toArray()
  return [
    ...commands.map(
      ({
        commandId,
        type,
        causationId,
        createdAt,
        stream,
        outcome,
        firstPosition,
        result,
      }): TraceNode => ({
        kind: 'command',
        id: commandId,
        type,
        causationId,
        time: createdAt,
        stream,
        position: undefined,
        // A command stands where its first event does; one without events by its time, after those.
        order: firstPosition ?? Number.MAX_SAFE_INTEGER,
        outcome,
        failure: outcome === 'failed' ? failureOf(result) : undefined,
      }),
    ),
    ...events.map(
      ({
        eventId,
        eventType,
        causationId,
        timestamp,
        aggregateType,
        aggregateId,
        position,
      }): TraceNode => ({
        kind: 'event',
        id: eventId,
        type: eventType,
        causationId,
        time: timestamp,
        stream: `${aggregateType}/${aggregateId}`,
        position,
        order: position,
        outcome: undefined,
        failure: undefined,
      }),
    ),
  ]
}

/** Why a command failed, as its log kept it. Another program may have written that row: no form is taken for granted. */
function failureOf(result: string | undefined): string | undefined {
  if (result === undefined) return undefined
  try {
    const { message, fields } = JSON.parse(result) as {
      readonly message?: unknown
      readonly fields?: { readonly code?: unknown }
    }
    const said = fields?.code ?? message
    return typeof said === 'string' ? said : undefined
  } catch {
    // No JSON, or null: then the trace says that it failed, and no more.
    return undefined
  }
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

interface Step {
  readonly node: TraceNode
  readonly depth: number
  readonly orphan: boolean
  /** For each ancestor and the node itself: whether a sibling follows. */
  readonly follows: readonly boolean[]
}

function* walk(branches: readonly Branch[]): Generator<Step> {
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

async function printTree(
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
