import pg from 'pg'

/** A statement that the connection keeps under a name, once it has read and planned it. */
export interface KeptStatement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
}

/** Statements that are written to the socket at once, at the most: the server is to begin while more come. */
const AT_ONCE = 32

/**
 * Sends statements that are kept to one connection, none of which waits for the answer to the one before.
 *
 * As `client.query` does, without the copy that it makes of each configuration, without its second promise,
 * and with one call of the system for all that are sent in the same turn: together a third of what an
 * effect of one small statement costs.
 */
export class StatementPipe {
  readonly #client: pg.ClientBase
  /** Written, and not sent yet. */
  #held = 0

  constructor(client: pg.ClientBase) {
    this.#client = client
  }

  send(
    { name, text, values }: KeptStatement,
    onAnswer: (error: Error | undefined, rows: readonly unknown[]) => void,
  ): void {
    if (this.#held === 0) {
      this.#stream.cork()
      process.nextTick(this.#flush)
    }
    this.#held++
    const query = new pg.Query(text, values, (error, result) =>
      onAnswer(error ?? undefined, result?.rows ?? []),
    )
    this.#client.query(Object.assign(query, { name }))
    if (this.#held === AT_ONCE) this.#flush()
  }

  readonly #flush = (): void => {
    if (this.#held === 0) return
    this.#held = 0
    this.#stream.uncork()
  }

  get #stream(): { cork(): void; uncork(): void } {
    return (this.#client as unknown as { connection: { stream: { cork(): void; uncork(): void } } })
      .connection.stream
  }
}
