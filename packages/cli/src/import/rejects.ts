import { closeSync, openSync, writeSync } from 'node:fs'
import type { ContractError } from 'tidings/contract'
import type { VerbContext } from '../context.ts'
import { Failure } from '../failure.ts'
import type { Line } from './split-lines.ts'

/** Why a line was not stored. */
export interface Reason {
  readonly code: string
  readonly reason: string
  /** JSON pointer to the first fault; '' for the whole line. */
  readonly pointer: string
}

/** The lines that were not stored, each as one JSON object in a file. */
export interface Rejects {
  readonly file: string
  readonly count: number
  /** Lines by code, for the summary. */
  readonly byCode: ReadonlyMap<string, number>
  add(line: Line, reason: Reason): void
  close(): void
}

/**
 * Opens the file at the first line that needs it, and writes it anew: a repeated import refuses the
 * same lines again. Writing is synchronous: rejects are few, and none may be lost at the end.
 */
export function openRejects(file: string, { t }: VerbContext): Rejects {
  let descriptor: number | undefined
  let count = 0
  const byCode = new Map<string, number>()
  return {
    file,
    byCode,
    get count() {
      return count
    },
    add(line, reason) {
      count++
      byCode.set(reason.code, (byCode.get(reason.code) ?? 0) + 1)
      try {
        descriptor ??= openSync(file, 'w')
        writeSync(descriptor, `${JSON.stringify(rejectJson(line, reason))}\n`)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        throw new Failure(
          'TIDINGS_CLI_FILE',
          t('import.rejects-unwritable', { file, reason: why }),
          {
            hint: t('import.rejects-unwritable-hint'),
            facts: { file },
            cause: error,
          },
        )
      }
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor)
      descriptor = undefined
    },
  }
}

function rejectJson(
  { number, bytes, tooLong }: Line,
  { code, reason, pointer }: Reason,
): Record<string, unknown> {
  return {
    line: number,
    code,
    reason,
    pointer,
    ...rawJson(bytes),
    ...(tooLong === undefined ? {} : { bytes: tooLong, cut: true }),
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The line as it is; as base64 where it is no UTF-8, because text could not give its bytes back. */
function rawJson(bytes: Uint8Array): Record<string, unknown> {
  try {
    return { raw: strictUtf8.decode(bytes) }
  } catch {
    return { raw: Buffer.from(bytes).toString('base64'), encoding: 'base64' }
  }
}

/** An error of the library as a line of the rejects file. */
export function reasonOf(error: ContractError): Reason {
  return { code: error.code, reason: error.message, pointer: error.issues[0]?.pointer ?? '' }
}
