import { open, type FileHandle } from 'node:fs/promises'
import { Mutex } from '../internal/mutex.ts'
import { closed } from './memory-publisher.ts'
import type { OutgoingRecord, Publisher, PublishResult } from './publisher.ts'

export interface NdjsonOptions {
  /** Whether a record is on the disk, and not only with the system, when it is acknowledged; true by default. */
  readonly sync?: boolean
}

const OK: PublishResult = Object.freeze({ ok: true })

/**
 * A publisher that appends records to a file, a JSON object a line: topic, key, headers, and the event
 * as it is. For a pipe into other tools, and to see what a relay sends.
 *
 * A line that was cut when the process died, or the disk was full, is ended by the next one, so that readers can pass over it;
 * its record was not acknowledged and comes again.
 */
export function ndjsonPublisher(file: string, { sync = true }: NdjsonOptions = {}): Publisher {
  const lock = new Mutex()
  let handle: FileHandle | undefined
  let isClosed = false
  return {
    publish: (records, { signal } = {}) =>
      lock.run(async () => {
        if (isClosed) throw closed(file)
        signal?.throwIfAborted()
        if (records.length === 0) return []
        handle ??= await openAtLine(file)
        try {
          await handle.appendFile(records.map(toLine).join(''))
          if (sync) await handle.datasync()
        } catch (error) {
          // Half a line may be there: opened anew, the next one does not go on with it.
          const failed = handle
          handle = undefined
          await failed.close()
          throw error
        }
        return records.map(() => OK)
      }),
    close: () =>
      lock.run(async () => {
        isClosed = true
        await handle?.close()
        handle = undefined
      }),
  }
}

function toLine({ topic, key, headers, value }: OutgoingRecord): string {
  const head = JSON.stringify({ topic, key, headers })
  return `${head.slice(0, -1)},"event":${value}}\n`
}

/** Opens for appending, at the beginning of a line. */
async function openAtLine(file: string): Promise<FileHandle> {
  const handle = await open(file, 'a+')
  const { size } = await handle.stat()
  if (size === 0) return handle
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  if (buffer[0] !== 10) await handle.appendFile('\n')
  return handle
}
