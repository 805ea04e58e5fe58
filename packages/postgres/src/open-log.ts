import type { CommitTeller } from './commit-teller.ts'
import { connectAgain, Connections } from './connections.ts'
import { DeferredAppends } from './deferred-appends.ts'
import { GroupCommit } from './group-commit.ts'
import type { LogParts } from './log-parts.ts'
import { LogListener } from './log-listener.ts'
import { LogWatch } from './log-watch.ts'
import { openNames } from './names.ts'
import type { PostgresSettings } from './options.ts'
import { migrate } from './schema/migrate.ts'
import { toStoreError } from './store-failure.ts'
import { Turns } from './turns.ts'

/** A log whose server answers and whose schema is in order. */
export interface OpenLog {
  readonly parts: LogParts
  readonly group: GroupCommit
  readonly watch: LogWatch
  readonly deferred: DeferredAppends
}

/** @throws {StoreError} the server cannot be reached or refuses, or the log cannot be read by this version */
export async function openLog(settings: PostgresSettings, teller: CommitTeller): Promise<OpenLog> {
  const connections = new Connections(settings)
  try {
    await connectAgain(settings, () => prepare(connections, settings))
    return await openParts(connections, settings, teller)
  } catch (error) {
    // Also where the log may be opened, but not be read: each attempt would leave connections behind.
    await connections.close()
    throw toStoreError(error, settings.location)
  }
}

async function openParts(
  connections: Connections,
  settings: PostgresSettings,
  teller: CommitTeller,
): Promise<OpenLog> {
  const { quoted: schema } = settings
  const names = openNames(connections, schema)
  const listener = settings.listen ? new LogListener(settings) : undefined
  const watch = new LogWatch(settings, connections, listener, () => deferred.absorbSoon())
  const side = {
    schema,
    names,
    rows: (sql: string, values: readonly unknown[]) =>
      connections.read((session) => session.rows(sql, values)),
  }
  const parts = { settings, connections, names, watch, turns: new Turns(), teller, side }
  const deferred = new DeferredAppends(parts)
  await watch.readHead()
  return { parts, watch, group: new GroupCommit(parts), deferred }
}

async function prepare(connections: Connections, settings: PostgresSettings): Promise<void> {
  const { session, giveBack } = await connections.lendWriter()
  try {
    await migrate(session.client, settings)
    giveBack()
  } catch (error) {
    giveBack(true)
    throw error
  }
}
