import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { VerbContext } from '../context.ts'
import { Failure } from '../failure.ts'

export interface Input {
  /** The text, uncompressed. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Bytes of the file, as it is on disk; undefined for a pipe. */
  readonly size: number | undefined
  /** Bytes of it that were read so far. */
  readonly bytesRead: () => number
}

/**
 * Opens a file, or `-` for stdin; uncompresses gzip, recognised by its first two bytes.
 *
 * @throws {Failure} when it cannot be read, also later, while `chunks` are taken
 */
export async function openInput(name: string, context: VerbContext): Promise<Input> {
  if (name === '-') return countBytes(process.stdin, undefined, { name, context })
  const file = resolve(context.cwd, name)
  const size = await fileSize(file, context)
  // 256 KiB at a time: a quarter of the turns of the event loop that the usual 64 KiB take.
  return countBytes(createReadStream(file, { highWaterMark: 262_144 }), size, {
    name: file,
    context,
  })
}

async function fileSize(file: string, { t }: VerbContext): Promise<number | undefined> {
  try {
    const found = await stat(file)
    if (found.isDirectory())
      throw new Failure('TIDINGS_CLI_FILE', t('input.directory', { file }), { facts: { file } })
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (error instanceof Failure) throw error
    throw unreadable(file, error, t)
  }
}

interface Source {
  readonly name: string
  readonly context: VerbContext
}

function countBytes(stream: Readable, size: number | undefined, source: Source): Input {
  let bytes = 0
  const { signal } = source.context
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    // A pipe may give its next byte in an hour: Ctrl-C must not wait for it.
    const stop = (): unknown => stream.destroy()
    signal.addEventListener('abort', stop, { once: true })
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        bytes += chunk.length
        yield chunk
      }
    } catch (error) {
      if (!signal.aborted) throw unreadable(source.name, error, source.context.t)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
  return { chunks: uncompress(counted(), source), size, bytesRead: () => bytes }
}

async function* uncompress(
  chunks: AsyncGenerator<Uint8Array>,
  source: Source,
): AsyncGenerator<Uint8Array> {
  const head = await readHead(chunks)
  const all = prepend(head, chunks)
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    refuseUtf16(head, source)
    yield* all
    return
  }
  const { Readable } = await import('node:stream')
  const compressed = Readable.from(all, { objectMode: false })
  const gunzip = createGunzip({ chunkSize: 262_144 })
  compressed.on('error', (error) => gunzip.destroy(error))
  try {
    yield* compressed.pipe(gunzip) as AsyncIterable<Uint8Array>
  } catch (error) {
    if (error instanceof Failure) throw error
    const { t, signal } = source.context
    // What Ctrl-C cut short looks like a damaged file.
    if (signal.aborted) return
    const reason = error instanceof Error ? error.message : String(error)
    throw new Failure('TIDINGS_CLI_INPUT', t('input.gzip', { file: source.name, reason }), {
      hint: t('input.gzip-hint'),
      cause: error,
    })
  }
}

/** The first bytes, two at least where there are as many. */
async function readHead(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0)
  while (head.length < 2) {
    const next = await chunks.next()
    if (next.done === true) break
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  return head
}

async function* prepend(
  head: Uint8Array,
  chunks: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  yield* chunks
}

/** Windows tools write UTF-16 by default; each of its lines would be refused for another reason. */
function refuseUtf16(head: Uint8Array, { name, context: { t } }: Source): void {
  const [first, second] = head
  if (!((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))) return
  throw new Failure('TIDINGS_CLI_INPUT', t('input.utf16', { file: name }), {
    hint: t('input.utf16-hint'),
    facts: { file: name },
  })
}

function unreadable(file: string, error: unknown, t: VerbContext['t']): Failure {
  const reason = error instanceof Error ? error.message : String(error)
  const message =
    (error as { code?: unknown }).code === 'ENOENT'
      ? t('input.missing', { file })
      : t('input.unreadable', { file, reason })
  return new Failure('TIDINGS_CLI_FILE', message, { facts: { file }, cause: error })
}
