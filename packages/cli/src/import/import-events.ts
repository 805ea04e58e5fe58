import type { Store } from 'tidings'
import { streamName } from 'tidings/contract'
import type { VerbContext } from '../context.ts'
import { BrokenOff, Failure } from '../failure.ts'
import type { Progress } from '../output/progress.ts'
import { DistinctCounter } from './distinct-counter.ts'
import type { Input } from './open-input.ts'
import type { Candidate } from './plan-batch.ts'
import { readLine, type LineRules } from './read-line.ts'
import type { Reason, Rejects } from './rejects.ts'
import { splitLines, type Line } from './split-lines.ts'
import { createBatchWriter, type Clash } from './store-batch.ts'

export interface ImportResult {
  /** Lines that were not blank. */
  readonly read: number
  readonly stored: number
  /** Events that were in the log before, or earlier in the file. */
  readonly duplicates: number
  /** Different ones among the events that are in the log now. */
  readonly streams: number
  readonly types: number
  /** The last line that was dealt with. */
  readonly lastLine: number
  readonly interrupted: boolean
}

export interface ImportJob {
  readonly input: Input
  readonly store: Store
  readonly rejects: Rejects
  readonly rules: LineRules
  readonly progress: Progress
  readonly context: VerbContext
}

/**
 * What one transaction takes: 250 events at a time took twice as long as 500 on a busy disk, 1000 are
 * 5 % faster but hold twice the memory; 4 MB so that large events do not add up.
 */
const BATCH_EVENTS = 500
const BATCH_BYTES = 4_000_000

/**
 * Brings the events of a file into the log: line by line, batch by batch, in its order. A batch is
 * stored whole or not at all, and events that are there already are passed over, so an import that
 * was stopped anywhere is finished by running it again.
 */
export async function importEvents(job: ImportJob): Promise<ImportResult> {
  const { input, rules, progress, context } = job
  const { signal, t } = context
  const batch = new Batch(job)
  try {
    for await (const lines of splitLines(input.chunks, rules.maxLineBytes)) {
      // After Ctrl-C the input ends in the middle of a line.
      if (signal.aborted) break
      for (const line of lines) {
        batch.take(line)
        if (batch.isFull) await batch.store()
        if (signal.aborted) break
      }
      const share = input.size === undefined ? undefined : input.bytesRead() / input.size
      progress.update(batch.read, share)
    }
    // On Ctrl-C too: what was read is stored, and the figures say where it ended.
    await batch.store()
  } catch (error) {
    // What could be read of a damaged file is stored; after an error of the store there is no sense in it.
    if (error instanceof Failure && error.code === 'TIDINGS_CLI_INPUT') await batch.store()
    const { stored, lastLine } = batch
    // A store that does not even open is not mended by "run it again".
    const where =
      lastLine === 0
        ? t('import.broke-off-at-once')
        : t('import.broke-off', { stored, line: String(lastLine) })
    throw new BrokenOff(where, error, { stored, line: lastLine })
  }
  return batch.result(signal.aborted)
}

interface Rejected {
  readonly line: Line
  readonly reason: Reason
}

/** filling (lines come in) → stored (all of it, or an error) → filling … */
class Batch {
  readonly #job: ImportJob
  readonly #write: ReturnType<typeof createBatchWriter>
  readonly #streams = new DistinctCounter()
  readonly #types = new Set<string>()
  #candidates: Candidate[] = []
  #rejected: Rejected[] = []
  #bytes = 0
  #lastTaken = 0
  #duplicates = 0
  read = 0
  stored = 0
  lastLine = 0

  constructor(job: ImportJob) {
    this.#job = job
    this.#write = createBatchWriter(job.store)
  }

  get isFull(): boolean {
    return (
      this.#candidates.length + this.#rejected.length >= BATCH_EVENTS || this.#bytes >= BATCH_BYTES
    )
  }

  take(line: Line): void {
    this.read++
    this.#lastTaken = line.number
    this.#bytes += line.bytes.length
    const result = readLine(line, this.#job.rules)
    if (result.kind === 'event') this.#candidates.push({ line, event: result.event })
    else this.#rejected.push({ line, reason: result.reason })
  }

  async store(): Promise<void> {
    const candidates = this.#candidates
    const rejected = this.#rejected
    this.#candidates = []
    this.#rejected = []
    this.#bytes = 0
    const { stored, duplicates, clashes } = await this.#write(candidates)
    this.stored += stored
    this.#duplicates += duplicates
    this.#count(candidates, clashes)
    const refused = [...rejected, ...clashes.map((clash) => this.#refuse(clash))]
    refused.sort((a, b) => a.line.number - b.line.number)
    for (const { line, reason } of refused) this.#job.rejects.add(line, reason)
    this.lastLine = this.#lastTaken
  }

  result(interrupted: boolean): ImportResult {
    return {
      read: this.read,
      stored: this.stored,
      duplicates: this.#duplicates,
      streams: this.#streams.size,
      types: this.#types.size,
      lastLine: this.lastLine,
      interrupted,
    }
  }

  #count(candidates: readonly Candidate[], clashes: readonly Clash[]): void {
    const refused = new Set(clashes.map(({ candidate }) => candidate))
    for (const candidate of candidates) {
      if (refused.has(candidate)) continue
      const { eventType, aggregateType, aggregateId } = candidate.event.envelope
      this.#types.add(eventType)
      this.#streams.add(streamName(aggregateType, aggregateId))
    }
  }

  #refuse({ candidate: { line, event }, pointer }: Clash): Rejected {
    const reason = this.#job.context.t('import.clash', { id: event.envelope.eventId, pointer })
    return { line, reason: { code: 'TIDINGS_EVENT_ID_CONFLICT', reason, pointer } }
  }
}
