import { statSync } from 'node:fs'

import { StoreError } from '../errors/store-errors.ts'

interface Identity {
  readonly device: number
  readonly inode: number
}

/**
 * Notices that the database was deleted or replaced while it was open. A process may go on writing to
 * a deleted file without any error, and all of it is gone when it ends; so a write is acknowledged
 * only after a look at the file's name, and at its WAL's, which costs 3 µs a commit.
 *
 * attached → lost (for good: the open file is not the one that has the name now)
 */
export class FileWatch {
  readonly #files: readonly string[]
  readonly #location: string
  readonly #known: readonly (Identity | undefined)[]

  constructor(file: string, location: string) {
    this.#files = [file, `${file}-wal`]
    this.#location = location
    this.#known = this.#files.map(identify)
  }

  /** @throws {StoreError} `TIDINGS_STORE_MISSING` */
  check(): void {
    for (const [index, file] of this.#files.entries()) {
      const known = this.#known[index]
      const now = identify(file)
      if (now !== undefined && now.inode === known?.inode && now.device === known.device) continue
      const what = now === undefined ? 'is not there any more' : 'is another file now'
      throw new StoreError(
        'TIDINGS_STORE_MISSING',
        this.#location,
        `${this.#location}: '${file}' ${what}, though this process has it open. What was acknowledged before is in the file that was opened; nothing is acknowledged from here on. Put that file back, or restore a backup, and start again.`,
      )
    }
  }
}

const quietly = { throwIfNoEntry: false } as const

function identify(file: string): Identity | undefined {
  const stats = statSync(file, quietly)
  return stats && { device: stats.dev, inode: stats.ino }
}
