import { once } from 'node:events'
import { createWriteStream, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { VerbContext } from '../context.ts'
import { Failure } from '../failure.ts'
import { createSink } from '../output/sink.ts'

/** Where an export goes. Disposed of before `finish`, it leaves no file. */
export interface Target extends AsyncDisposable {
  readonly file: string | undefined
  write(text: string): Promise<void>
  /** Everything is written; the file has its name from now on. */
  finish(): Promise<void>
}

/** stdout, or a file: written beside its name and renamed at the end, so that a half one is never taken for a whole. */
export async function openTarget(name: string | undefined, context: VerbContext): Promise<Target> {
  if (name === undefined) return stdoutTarget(context)
  const file = resolve(context.cwd, name)
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new Failure('TIDINGS_CLI_FILE', context.t('input.directory', { file }), {
      facts: { file },
    })
  try {
    return await fileTarget(file, context)
  } catch (error) {
    throw unwritable(file, error, context)
  }
}

function stdoutTarget({ out }: VerbContext): Target {
  return {
    file: undefined,
    write: (text) => out.text(text),
    finish: () => out.flush(),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

async function fileTarget(file: string, context: VerbContext): Promise<Target> {
  const partial = `${file}.partial`
  const stream = createWriteStream(partial)
  await once(stream, 'open')
  const compressed = file.endsWith('.gz') ? createGzip() : undefined
  compressed?.pipe(stream)
  const entry: Writable = compressed ?? stream
  const written = finished(stream)
  // Awaited at the end; until then a failure must not count as unhandled.
  written.catch(() => undefined)
  const sink = createSink(entry)
  let done = false
  return {
    file,
    write: (text) => sink.write(text),
    async finish() {
      try {
        await sink.flush()
        entry.end()
        await written
        await rename(partial, file)
        done = true
      } catch (error) {
        throw unwritable(file, error, context)
      }
    },
    async [Symbol.asyncDispose]() {
      if (done) return
      entry.destroy()
      stream.destroy()
      await rm(partial, { force: true })
    },
  }
}

function unwritable(file: string, error: unknown, { t }: VerbContext): Failure {
  const reason = error instanceof Error ? error.message : String(error)
  return new Failure('TIDINGS_CLI_FILE', t('export.unwritable', { file, reason }), {
    facts: { file },
    cause: error,
  })
}
