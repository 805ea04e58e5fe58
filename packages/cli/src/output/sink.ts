import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** Text on its way out, in pieces of 64 KiB: a line at a time costs ten times the system calls. */
export interface Sink {
  /** Resolves at once unless the reader is slower than the writer. */
  write(text: string): Promise<void>
  flush(): Promise<void>
}

const PIECE_CHARACTERS = 65_536

export function createSink(stream: Writable): Sink {
  let waiting: string[] = []
  let characters = 0

  const flush = async (): Promise<void> => {
    if (characters === 0) return
    const piece = waiting.join('')
    waiting = []
    characters = 0
    if (stream.destroyed || stream.write(piece)) return
    await Promise.race([once(stream, 'drain'), once(stream, 'close')])
  }

  return {
    async write(text) {
      waiting.push(text)
      characters += text.length
      if (characters >= PIECE_CHARACTERS) await flush()
    },
    flush,
  }
}
