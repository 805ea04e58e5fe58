import { wrongUsage } from '../failure.ts'
import type { Translate } from '../texts/texts.ts'
import type { OptionSpec } from './spec.ts'

export type OptionValue = string | number | boolean | readonly string[] | undefined

interface ValueContext {
  readonly t: Translate
  readonly nowMs: number
  /** As it was typed. */
  readonly option: string
}

/**
 * An option's value by its kind.
 *
 * @throws {Failure} wrong usage, with what was expected and what came
 */
export async function parseValue(
  text: string | undefined,
  spec: OptionSpec,
  context: ValueContext,
): Promise<OptionValue> {
  if (text === undefined) return true
  switch (spec.kind) {
    case 'flag':
    case 'text':
    case 'texts':
      return text
    case 'count':
      return parseCount(text, spec.least, context)
    case 'position':
      return text === 'end' ? 'end' : parseCount(text, 0, context)
    case 'time':
      return parseTimeOption(text, context)
    case 'choice':
      return parseChoice(text, spec.choices, context)
    default:
      return spec satisfies never
  }
}

function parseCount(text: string, least: number, { t, option }: ValueContext): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(count) && count >= least) return count
  throw wrongUsage(t('usage.not-a-count', { option, least: String(least), value: text }))
}

async function parseTimeOption(text: string, { t, nowMs, option }: ValueContext): Promise<string> {
  const { parseTime } = await import('../time.ts')
  const time = parseTime(text, nowMs)
  if (time !== undefined) return time
  throw wrongUsage(t('usage.not-a-time', { option, value: text }), t('usage.time-forms'))
}

function parseChoice(
  text: string,
  choices: readonly string[],
  { t, option }: ValueContext,
): string {
  if (choices.includes(text)) return text
  throw wrongUsage(t('usage.not-a-choice', { option, choices: choices.join(' | '), value: text }))
}
