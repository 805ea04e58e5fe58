import { isTidingsError, type AppendResult, type CommandRecord } from 'tidings'
import { decideByIds } from 'tidings/store'

import type { Verdict } from './append-call.ts'
import type { AppendRequest } from './append-request.ts'
import { findCommand } from './command-table.ts'
import { findByIds } from './explain-refusal.ts'
import type { LogParts } from './log-parts.ts'
import { isConnectionLoss, toStoreError } from './store-failure.ts'

/** What becomes of one request: what the database says, or why it could say nothing. */
export type Outcome = Verdict | { readonly kind: 'failed'; readonly error: unknown }

interface AgainParts extends LogParts {
  /** In a statement of its own that looks at every id. */
  readonly write: (request: AppendRequest) => Promise<readonly Verdict[]>
  /** The end of the log as it was known before the first attempt. */
  readonly floor: number
  /** Whether a connection was cut, so that the first attempt may have succeeded. */
  readonly lost: boolean
}

/**
 * What could not be appended together is appended one by one, so that only the one that is bad fails. It
 * also answers what became of an append whose connection was cut: the same ids are there, or they are
 * written now. Either way the caller learns what is true.
 */
export async function appendAgain(
  requests: readonly AppendRequest[],
  parts: AgainParts,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  let gone: Outcome | undefined
  for (const request of requests) {
    const outcome = gone ?? (await appendAlone(request, parts))
    // Whoever waits behind it would wait as long once more, each of them.
    if (isUnreachable(outcome)) gone = outcome
    outcomes.push(outcome)
  }
  return outcomes
}

function isUnreachable(outcome: Outcome): boolean {
  if (outcome.kind !== 'failed' || !isTidingsError(outcome.error)) return false
  return outcome.error.code === 'TIDINGS_STORE_UNREACHABLE'
}

async function appendAlone(request: AppendRequest, parts: AgainParts): Promise<Outcome> {
  const { clock, reconnectLimitMs, location, step } = parts.settings
  const startMs = clock.now()
  for (let { lost } = parts; ; lost = true) {
    try {
      await step?.('before-append')
      const [verdict] = (await parts.write(request)) as [Verdict]
      await step?.('acknowledged')
      if (!lost || verdict.kind === 'written') return verdict
      return (await ownFirstAttempt(request, parts)) ?? verdict
    } catch (error) {
      const late = clock.now() - startMs > reconnectLimitMs
      if (late || !isConnectionLoss(error)) {
        return { kind: 'failed', error: toStoreError(error, location) }
      }
    }
  }
}

/**
 * A refusal after a cut may be due to our own first attempt: it is, if that lies behind the end of the log
 * that was known before. The caller then learns what it would have learnt.
 */
async function ownFirstAttempt(
  request: AppendRequest,
  { side, watch, floor }: AgainParts,
): Promise<Outcome | undefined> {
  const { appends, command } = request
  const found = await findByIds(side, [request])
  const decision = decideByIds(appends, (eventId) => found.get(eventId))
  if (decision.kind === 'repeat') {
    const { results } = decision
    if (!results.every(({ positions }) => (positions[0] ?? 0) > floor)) return undefined
    watch.appended(results.at(-1)?.positions.at(-1) ?? 0)
    return { kind: 'written', results: results.map(asFirst) }
  }
  if (command === undefined || appends.length > 0) return undefined
  const recorded = await findCommand(side, command.commandId)
  return isSameCommand(recorded, command) ? { kind: 'written', results: [] } : undefined
}

function asFirst(result: AppendResult): AppendResult {
  return { ...result, repeated: false }
}

function isSameCommand(found: CommandRecord | undefined, command: CommandRecord): boolean {
  return found?.requestHash === command.requestHash && found.createdAt === command.createdAt
}
