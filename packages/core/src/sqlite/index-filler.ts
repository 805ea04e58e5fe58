import { setImmediate as nextTurn } from 'node:timers/promises'

import { isTidingsError } from '../errors/tidings-error.ts'
import { readHead } from './log-watch.ts'
import { readMark } from './position-index.ts'
import { isSqliteFailure } from './store-failure.ts'
import type { Writer } from './writer.ts'

/** Events of one transaction: 4 ms, which is what an append may have to wait. */
const FILL = 1000

/** How long nothing must have been appended before the rest is filled too. */
const IDLE_MS = 200

const statements = [
  `insert into event_type_index
     select event_type, position from event_log where position > ?1 and position <= ?2 order by 1, 2`,
  `insert into event_tenant_index
     select tenant, position from event_log where position > ?1 and position <= ?2 and tenant is not null order by 1, 2`,
  `insert into event_chunks
     select position >> 10, event_type, count(*), sum(version = 1), min(occurred_at), max(occurred_at)
     from event_log where position > ?1 and position <= ?2 group by 1, 2
     on conflict do update set events = events + excluded.events, starts = starts + excluded.starts,
       occurred_min = min(occurred_min, excluded.occurred_min), occurred_max = max(occurred_max, excluded.occurred_max)`,
  `insert or ignore into event_kinds
     select distinct event_type, event_version, substr(stream, 1, instr(stream, '/') - 1), coalesce(topic, 0), class
     from event_log where position > ?1 and position <= ?2`,
]

/**
 * Keeps the indexes by type, tenant and time a little behind the log: in batches they cost 4 µs an
 * event, inline 16. Never more than `maxUnindexed` events behind for long, since readers scan those.
 * Several processes may fill: each looks at the mark within its transaction.
 *
 * resting → due (after an append) → filling → resting; ended for good by `finish`
 */
export class IndexFiller {
  readonly #writer: Writer
  #head = 0
  /** Everything up to here is filled, or could not be; a later batch starts at the stored mark. */
  #tried = 0
  #idle: NodeJS.Timeout | undefined
  #filling: Promise<void> | undefined
  #ended = false

  constructor(writer: Writer) {
    this.#writer = writer
  }

  /** Looks where the last process left off. A damaged log opens all the same, for verify to say how. */
  start(): void {
    try {
      this.#tried = readMark(this.#writer.connection)
      this.appended(readHead(this.#writer))
    } catch (error) {
      if (!isSqliteFailure(error)) throw error
    }
  }

  appended(head: number): void {
    this.#head = head
    if (this.#ended || this.#filling !== undefined || head <= this.#tried) return
    if (head - this.#tried > this.#writer.settings.maxUnindexed) this.#fillSoon()
    else if (this.#idle === undefined) this.#wait(head)
  }

  /** Fills what is left. Later appends are filled by the next process that opens the file. */
  async finish(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#idle)
    await this.#filling
    await this.#fillTo(this.#head)
  }

  /** A timer does not keep the process alive: whatever it would do can be done later. */
  #wait(seen: number): void {
    this.#idle = setTimeout(() => {
      this.#idle = undefined
      if (this.#head > seen) this.#wait(this.#head)
      else this.#fillSoon()
    }, IDLE_MS)
    this.#idle.unref()
  }

  #fillSoon(): void {
    clearTimeout(this.#idle)
    this.#idle = undefined
    this.#filling ??= this.#fillTo(this.#head).finally(() => {
      this.#filling = undefined
      if (this.#head > this.#tried) this.appended(this.#head)
    })
  }

  /**
   * One batch after the other, each in its turn among the appends. A failure of the file ends it
   * without a word: readers add what is not indexed, and what ails the file, the next append reports to its caller.
   */
  async #fillTo(head: number): Promise<void> {
    try {
      while (this.#tried < head) {
        await nextTurn()
        this.#tried = await this.#writer.transact(() => fillBatch(this.#writer, head))
      }
    } catch (error) {
      if (!isTidingsError(error)) throw error
      this.#tried = head
    }
  }
}

/** @returns the mark as it is then */
export function fillBatch({ connection }: Pick<Writer, 'connection'>, head: number): number {
  const mark = readMark(connection)
  if (mark >= head) return mark
  const next = Math.min(mark + FILL, head)
  for (const sql of statements) connection.statement(sql).run(mark, next)
  connection.statement("update index_mark set position = ? where name = 'events'").run(next)
  return next
}
