import { isTidingsError, type TidingsError } from 'tidings/contract'
import { BrokenOff, exitCodes, type ExitCode, Failure } from '../failure.ts'
import type { Language, Translate } from '../texts/texts.ts'
import type { Output } from './output.ts'
import { printable } from './width.ts'

interface ReportContext {
  readonly t: Translate
  readonly language: Language
  readonly out: Output
}

/** Says on stderr why a verb could not go on: a sentence for a person, one line of JSON for a program. */
export async function reportError(error: unknown, context: ReportContext): Promise<ExitCode> {
  const { out } = context
  const report = await describeError(error, context)
  if (out.json) {
    const { code, message, hint, facts } = report
    process.stderr.write(
      `${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }), ...facts } })}\n`,
    )
  } else {
    const lines = report.message.split('\n').map(printable)
    process.stderr.write(`${out.paintNote('red', context.t('error.label'))}${lines.join('\n')}\n`)
    if (report.hint !== undefined)
      process.stderr.write(`${report.hint.split('\n').map(printable).join('\n')}\n`)
  }
  const reason = error instanceof BrokenOff ? error.cause : error
  return reason instanceof Failure ? reason.exitCode : exitCodes.failed
}

interface Report {
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
  readonly facts: Readonly<Record<string, unknown>>
}

async function describeError(error: unknown, context: ReportContext): Promise<Report> {
  const { t, language } = context
  if (error instanceof BrokenOff) {
    const report = await describeError(error.cause, context)
    const hint = report.hint === undefined ? error.message : `${report.hint}\n${error.message}`
    return { ...report, hint, facts: { ...report.facts, ...error.facts } }
  }
  if (error instanceof Failure) {
    return { code: error.code, message: error.message, hint: error.hint, facts: error.facts }
  }
  if (isTidingsError(error)) return describeLibraryError(error, language)
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    code: 'TIDINGS_CLI_UNEXPECTED',
    message: t('error.unexpected', { stack }),
    hint: t('error.unexpected-hint'),
    facts: {},
  }
}

/** The library speaks English; in another language its error gets a sentence of that language in front. */
async function describeLibraryError(error: TidingsError, language: Language): Promise<Report> {
  const facts = { retryable: error.retryable }
  if (language === 'en') return { code: error.code, message: error.message, hint: undefined, facts }
  const { zhErrors } = await import('../texts/zh-errors.ts')
  return {
    code: error.code,
    message: `${zhErrors[error.code]}\n${error.message}`,
    hint: undefined,
    facts,
  }
}
