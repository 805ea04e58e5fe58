/** A line of a file, without its end. */
export interface Line {
  /** From 1; blank lines count in it, so that an editor finds the line. */
  readonly number: number
  readonly bytes: Uint8Array
  /** Bytes of the whole line where it is longer than the limit; `bytes` is its beginning then. */
  readonly tooLong: number | undefined
}

/** What is kept of a line that is too long: enough to recognise it. */
const HEAD_BYTES = 1024

const LF = 0x0a
const CR = 0x0d

/**
 * Cuts chunks of bytes into lines: LF or CRLF; the last one may lack its end. Blank lines are left out;
 * a byte order mark in front is none of the first line. A line over the limit is read past, not kept,
 * so that one bad line costs its own bytes and no memory.
 *
 * Lines come in groups, one per chunk: a generator that gave them singly would cost more than reading
 * them. The bytes of a group are its own for as long as somebody holds them.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter(maxBytes)
  for await (const chunk of chunks) {
    const lines = splitter.push(chunk)
    if (lines.length > 0) yield lines
  }
  const last = splitter.end()
  if (last !== undefined) yield [last]
}

/** between lines → inside a line (parts are kept) → inside one that is too long (its length is counted) → … */
class LineSplitter {
  readonly #maxBytes: number
  #number = 0
  #parts: Uint8Array[] = []
  #length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      const line = this.#finish(chunk.subarray(start, end))
      if (line !== undefined) lines.push(line)
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
    return lines
  }

  end(): Line | undefined {
    return this.#length === 0 ? undefined : this.#finish(new Uint8Array(0))
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return
    const wasTooLong = this.#length > this.#maxBytes
    this.#length += part.length
    if (wasTooLong) return
    this.#parts.push(part)
    if (this.#length > this.#maxBytes) this.#parts = [join(this.#parts).slice(0, HEAD_BYTES)]
  }

  #finish(part: Uint8Array): Line | undefined {
    this.#number++
    this.#keep(part)
    const length = this.#length
    const parts = this.#parts
    this.#parts = []
    this.#length = 0
    if (length === 0) return undefined
    if (length > this.#maxBytes)
      return { number: this.#number, bytes: join(parts), tooLong: length }
    const bytes = trim(
      parts.length === 1 && parts[0] !== undefined ? parts[0] : join(parts),
      this.#number,
    )
    return bytes.every(isBlank) ? undefined : { number: this.#number, bytes, tooLong: undefined }
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 0 ? new Uint8Array(0) : Buffer.concat(parts)
}

function trim(bytes: Uint8Array, number: number): Uint8Array {
  const start = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, Math.max(start, end))
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === CR
}
