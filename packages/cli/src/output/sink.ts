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
    await drained(stream)
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

/** Room again, or nobody left to write to: whoever owns the stream hears of its errors. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}
