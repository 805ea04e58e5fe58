import type { ErrorCode, ExpectedVersion } from 'tidings'

/** An append as the model sees it: names instead of events. */
export interface ModelAppend {
  readonly stream: string
  readonly expectedVersion: ExpectedVersion
  readonly ids: readonly string[]
}

/** What the model says an append must come to. */
export type ModelAnswer =
  | { readonly kind: 'stored' | 'repeated'; readonly versions: readonly number[] }
  | { readonly kind: 'refused'; readonly code: ErrorCode }

/**
 * The promises of a log in the fewest words: a list for each stream. It is slow and obvious, which is
 * what makes it an oracle; it shares no line with any store.
 */
export class LogModel {
  readonly #streams = new Map<string, string[]>()
  readonly #order: string[] = []

  /** All ids, in the order of the log. */
  get order(): readonly string[] {
    return this.#order
  }

  get streams(): ReadonlyMap<string, readonly string[]> {
    return this.#streams
  }

  append(appends: readonly ModelAppend[]): ModelAnswer {
    const ids = appends.flatMap((append) => append.ids)
    const isMalformed =
      appends.length === 0 ||
      appends.some((append) => append.ids.length === 0) ||
      new Set(ids).size < ids.length ||
      new Set(appends.map((append) => append.stream)).size < appends.length
    if (isMalformed) return { kind: 'refused', code: 'TIDINGS_ARGUMENT_INVALID' }
    if (ids.some((id) => this.#order.includes(id))) return this.#repeat(appends)
    for (const { stream, expectedVersion } of appends) {
      const actual = this.#streams.get(stream)?.length ?? 0
      const fits: Record<string, boolean> = {
        any: true,
        'no-stream': actual === 0,
        'stream-exists': actual > 0,
      }
      if (fits[expectedVersion] ?? expectedVersion === actual) continue
      return { kind: 'refused', code: 'TIDINGS_CONCURRENCY_CONFLICT' }
    }
    const versions = appends.map((append) => {
      const stream = this.#streams.get(append.stream) ?? []
      this.#streams.set(append.stream, stream)
      stream.push(...append.ids)
      this.#order.push(...append.ids)
      return stream.length
    })
    return { kind: 'stored', versions }
  }

  #repeat(appends: readonly ModelAppend[]): ModelAnswer {
    const versions: number[] = []
    for (const { stream, ids } of appends) {
      const stored = this.#streams.get(stream) ?? []
      const start = stored.indexOf(ids[0] ?? '')
      const isSame = start !== -1 && ids.every((id, offset) => stored[start + offset] === id)
      if (!isSame) return { kind: 'refused', code: 'TIDINGS_EVENT_ID_CONFLICT' }
      versions.push(start + ids.length)
    }
    return { kind: 'repeated', versions }
  }
}
