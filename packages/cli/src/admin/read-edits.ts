import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isUuid } from 'tidings/contract'
import type { VerbContext } from '../context.ts'
import { Failure, wrongUsage } from '../failure.ts'

/** Where edited payloads are: `--edit ID=FILE`, or `--payload FILE` with one `--id`. */
export interface EditOptions {
  readonly edit: readonly string[]
  readonly payload: string | undefined
  readonly id: readonly string[]
}

/** @throws {Failure} a form that is none, a file that cannot be read or holds no JSON */
export function readEdits(
  { edit, payload, id }: EditOptions,
  context: VerbContext,
): Readonly<Record<string, unknown>> | undefined {
  const { t } = context
  const files = edit.map((text) => splitEdit(text, t))
  if (payload !== undefined) {
    const [only] = id
    if (only === undefined || id.length > 1) throw wrongUsage(t('edit.one-id'))
    files.push([only, payload])
  }
  if (files.length === 0) return undefined
  return Object.fromEntries(files.map(([letter, file]) => [letter, readJson(file, context)]))
}

function splitEdit(text: string, t: VerbContext['t']): [id: string, file: string] {
  const at = text.indexOf('=')
  const [id, file] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
  if (!isUuid(id) || file === '') throw wrongUsage(t('edit.form', { value: text }))
  return [id, file]
}

function readJson(name: string, { cwd, t }: VerbContext): unknown {
  const file = resolve(cwd, name)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Failure(
      'TIDINGS_CLI_FILE',
      t('input.unreadable', { file, reason: messageOf(error) }),
      {
        facts: { file },
        cause: error,
      },
    )
  }
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new Failure('TIDINGS_CLI_FILE', t('edit.no-json', { file, reason: messageOf(error) }), {
      facts: { file },
      cause: error,
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
