import { existsSync, statSync } from 'node:fs'

import { StoreError } from '../errors/store-errors.ts'

interface Identity {
  readonly device: number
  readonly inode: number
}

/**
 * Notices that the database was deleted or replaced while it was open. A process may go on writing to
 * a deleted file without any error, and all of it is gone when it ends; so a write is acknowledged
 * only after a look at the file's name, which costs 2 µs. Looking now and then would lose what is
 * acknowledged in between.
 *
 * Of the WAL only the existence is asked. Its `stat` made each commit a fifth slower: since Linux 6.13
 * a file whose times were asked for gets new ones at the next write, which `fsync` then has to store.
 *
 * attached → lost (for good: the open file is not the one that has the name now)
 */
export class FileWatch {
  readonly #file: string
  readonly #wal: string
  readonly #location: string
  readonly #known: Identity | undefined

  constructor(file: string, location: string) {
    this.#file = file
    this.#wal = `${file}-wal`
    this.#location = location
    this.#known = identify(file)
  }

  /** @throws {StoreError} `TIDINGS_STORE_MISSING` */
  check(): void {
    const now = identify(this.#file)
    if (now === undefined) throw this.#lost(`'${this.#file}' is not there any more`)
    if (now.inode !== this.#known?.inode || now.device !== this.#known.device) {
      throw this.#lost(`'${this.#file}' is another file now`)
    }
    if (!existsSync(this.#wal)) throw this.#lost(`'${this.#wal}' is not there any more`)
  }

  #lost(what: string): StoreError {
    return new StoreError(
      'TIDINGS_STORE_MISSING',
      this.#location,
      `${this.#location}: ${what}, though this process has it open. Nothing is acknowledged from here on; what was before is in the file that was opened. Put that file back, or restore a backup, and start again.`,
    )
  }
}

const quietly = { throwIfNoEntry: false } as const

function identify(file: string): Identity | undefined {
  const stats = statSync(file, quietly)
  return stats && { device: stats.dev, inode: stats.ino }
}
