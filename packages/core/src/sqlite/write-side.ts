import type { CommitOptions } from '../store/store.ts'
import { EventWriter } from './event-writer.ts'
import { GroupCommit } from './group-commit.ts'
import { SharedCommit } from './shared-commit.ts'
import { SqliteTransaction } from './transaction.ts'
import { UserSql } from './user-sql.ts'
import type { Writer } from './writer.ts'

/** What appends and transactions need beside the writer. A process that only reads never loads it. */
export interface WriteSide {
  readonly group: GroupCommit
  makeTransaction(options: CommitOptions): SqliteTransaction
}

export function makeWriteSide(writer: Writer): WriteSide {
  const events = new EventWriter(writer)
  writer.shareCommits(new SharedCommit(writer.connection, writer.settings.location))
  const userSql = new UserSql(writer.connection, writer.settings.location)
  return {
    group: new GroupCommit(writer, events),
    makeTransaction: (options) => new SqliteTransaction({ writer, events, userSql }, options),
  }
}
