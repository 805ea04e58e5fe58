/**
 * What a careful team would write by hand as a queue: a table; tasks claimed by as many as may run, in
 * one transaction; each one done in a transaction of its own, with its result. Or, where `endsTogether`,
 * all that were claimed together: then a task that is done waits for the slowest of them.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { PRAGMAS } from './sqlite-schema.ts'

interface Claimed {
  readonly id: string
  readonly payload: string
}

const SCHEMA = `
create table if not exists tasks (
  number integer primary key autoincrement, id text not null unique, state text not null default 'queued',
  payload text not null, attempts integer not null default 0, queued_at integer not null,
  started_at integer, done_at integer, result text
) strict;
create index if not exists tasks_queued on tasks (number) where state = 'queued';
`

export class RawTaskQueue {
  readonly #database: DatabaseSync
  readonly #add: StatementSync
  readonly #claim: StatementSync
  readonly #done: StatementSync

  constructor(file: string) {
    this.#database = new DatabaseSync(file)
    for (const pragma of PRAGMAS) this.#database.exec(`pragma ${pragma}`)
    this.#database.exec(SCHEMA)
    this.#add = this.#database.prepare(
      'insert into tasks (id, payload, queued_at) values (?, ?, ?)',
    )
    this.#claim = this.#database.prepare(
      `update tasks set state = 'running', attempts = attempts + 1, started_at = ?
       where number in (select number from tasks where state = 'queued' order by number limit ?)
       returning id, payload`,
    )
    this.#done = this.#database.prepare(
      `update tasks set state = 'done', done_at = ?, result = ? where id = ? and state = 'running'`,
    )
  }

  add(tasks: readonly { readonly id: string; readonly payload: string }[]): void {
    this.#inTransaction(() => {
      for (const { id, payload } of tasks) this.#add.run(id, payload, Date.now())
    })
  }

  /** Works until nothing is queued, `concurrency` at a time. @returns how many were done */
  async work(
    { concurrency, endsTogether }: { readonly concurrency: number; readonly endsTogether: boolean },
    run: (payload: unknown) => Promise<unknown>,
  ): Promise<number> {
    let done = 0
    for (;;) {
      const claimed = this.#inTransaction(
        () => this.#claim.all(Date.now(), concurrency) as unknown as readonly Claimed[],
      )
      if (claimed.length === 0) return done
      const end = (id: string, result: string): unknown => this.#done.run(Date.now(), result, id)
      const results = await Promise.all(
        claimed.map(async ({ id, payload }) => {
          const result = JSON.stringify(await run(JSON.parse(payload)))
          if (!endsTogether) this.#inTransaction(() => end(id, result))
          return { id, result }
        }),
      )
      if (endsTogether) {
        this.#inTransaction(() => results.forEach(({ id, result }) => end(id, result)))
      }
      done += claimed.length
    }
  }

  close(): void {
    this.#database.close()
  }

  #inTransaction<Result>(work: () => Result): Result {
    this.#database.exec('begin immediate')
    const result = work()
    this.#database.exec('commit')
    return result
  }
}
