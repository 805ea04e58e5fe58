import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, type Store } from 'tidings'
import { sqlite, type SqliteStore } from 'tidings/sqlite'
import type { StoreAdapter } from '@tidings/testing'

export const memoryAdapter: StoreAdapter = {
  name: 'memory',
  shared: false,
  sql: false,
  createLog: (clock) => ({ open: () => memoryStore({ clock }) }),
}

export const sqliteAdapter: StoreAdapter = {
  name: 'SQLite',
  shared: true,
  sql: true,
  async createLog(clock) {
    const folder = await mkdtemp(join(tmpdir(), 'tidings-conformance-'))
    const openFile = async (name: string): Promise<Store> => {
      // Synchronous NORMAL differs in what a power failure costs, which no test in a process can see.
      const store = sqlite({ file: join(folder, name), synchronous: 'normal', clock })
      await store.open()
      return store
    }
    return {
      open: () => openFile('log.db'),
      async restore(original) {
        await (original as SqliteStore).backup(join(folder, 'copy.db'))
        return openFile('copy.db')
      },
      remove: () => rm(folder, { recursive: true }),
    }
  },
}
