import { createInterface } from 'node:readline/promises'
import type { VerbContext } from '../context.ts'
import { Failure } from '../failure.ts'

/**
 * Asks a person at a terminal whether to go on; without one only `--yes` says so.
 *
 * @throws {Failure} nobody can be asked, or the answer is no
 */
export async function confirm(
  question: string,
  { t, signal, out }: VerbContext,
  yes: boolean,
): Promise<void> {
  if (yes) return
  const hint = t('confirm.hint')
  if (!process.stdin.isTTY || !process.stderr.isTTY || out.json) {
    throw new Failure('TIDINGS_CLI_NOT_CONFIRMED', t('confirm.nobody', { question }), { hint })
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal })
    if (/^(?:y|yes|是)$/i.test(answer.trim())) return
  } finally {
    lines.close()
  }
  throw new Failure('TIDINGS_CLI_NOT_CONFIRMED', t('confirm.no'))
}
