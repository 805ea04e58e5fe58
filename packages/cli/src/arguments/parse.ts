import { wrongUsage } from '../failure.ts'
import type { Translate } from '../texts/texts.ts'
import { nearestName } from './nearest.ts'
import { parseValue, type OptionValue } from './parse-value.ts'
import { wordsOf, type OptionSpec, type VerbSpec } from './spec.ts'

/** What a command line says, not yet checked against a verb. */
export interface RawCall {
  readonly words: readonly string[]
  readonly options: readonly RawOption[]
}

interface RawOption {
  readonly name: string
  /** As it was typed: `--since`, `-h`. */
  readonly typed: string
  readonly value: string | undefined
  readonly inline: boolean
}

type OptionTable = Readonly<Record<string, OptionSpec>>

// An import would load all that the module offers, up to its comparing of texts: 5 ms of each start.
const { parseArgs } = process.getBuiltinModule('node:util')

/** Splits a command line into words and options; knows from the tables which options take a value. */
export function readCall(argv: readonly string[], tables: readonly OptionTable[]): RawCall {
  const known: Record<string, { type: 'string' | 'boolean'; short?: string }> = {}
  for (const table of tables) {
    for (const [name, { kind }] of Object.entries(table)) {
      known[name] = { type: kind === 'flag' ? 'boolean' : 'string' }
    }
  }
  known['help'] = { type: 'boolean', short: 'h' }
  const { tokens } = parseArgs({
    args: [...argv],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const words: string[] = []
  const options: RawOption[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    options.push({
      name: token.name,
      typed: token.rawName,
      value: token.value,
      inline: token.inlineValue === true,
    })
  }
  return { words, options }
}

export interface OptionContext {
  readonly t: Translate
  /** Whose options they are; undefined: those of every verb. */
  readonly verb?: VerbSpec
  /** Milliseconds since the epoch: what durations ago count from. */
  readonly nowMs: number
}

/**
 * The values of a call's options by a table, each checked by its kind.
 *
 * @throws {Failure} wrong usage: an option that the table does not hold, or a value of another kind
 */
export async function readOptions(
  call: RawCall,
  table: OptionTable,
  context: OptionContext,
): Promise<Record<string, OptionValue>> {
  const values: Record<string, OptionValue> = {}
  for (const [name, { kind }] of Object.entries(table)) {
    values[name] = kind === 'flag' ? false : kind === 'texts' ? [] : undefined
  }
  for (const option of call.options) {
    const spec = Object.hasOwn(table, option.name) ? table[option.name] : undefined
    if (spec === undefined) throw await unknownOption(option, table, context)
    const value = await parseValue(requireValue(option, spec, context.t), spec, {
      ...context,
      option: option.typed,
    })
    const before = values[option.name]
    values[option.name] =
      spec.kind === 'texts' ? [...(before as readonly string[]), value as string] : value
  }
  return values
}

async function unknownOption(
  option: RawOption,
  table: OptionTable,
  { t, verb }: OptionContext,
): Promise<Error> {
  const nearest = await nearestName(option.name, Object.keys(table))
  const help =
    verb === undefined ? t('usage.see-help') : t('usage.see-verb-help', { verb: wordsOf(verb) })
  const hint = nearest === undefined ? help : t('usage.did-you-mean', { name: `--${nearest}` })
  return wrongUsage(t('usage.unknown-option', { option: option.typed }), hint)
}

function requireValue(option: RawOption, spec: OptionSpec, t: Translate): string | undefined {
  if (spec.kind === 'flag') {
    if (option.value === undefined) return undefined
    throw wrongUsage(t('usage.value-on-flag', { option: option.typed, value: option.value }))
  }
  const { value } = option
  if (value === undefined || value === '')
    throw wrongUsage(t('usage.value-missing', { option: option.typed, value: placeholder(spec) }))
  if (!option.inline && value.startsWith('-') && value.length > 1) {
    const hint = t('usage.value-with-dash', { option: option.typed, value })
    throw wrongUsage(
      t('usage.value-missing', { option: option.typed, value: placeholder(spec) }),
      hint,
    )
  }
  return value
}

/** What stands for an option's value in help. */
export function placeholder(spec: OptionSpec): string {
  return spec.kind === 'choice' ? spec.choices.join('|') : (spec.value ?? 'VALUE')
}

/**
 * The words after the verb.
 *
 * @throws {Failure} wrong usage: too few or too many of them
 */
export function readRest(
  words: readonly string[],
  spec: VerbSpec,
  t: Translate,
): readonly string[] {
  const { argument } = spec
  const most = argument?.most ?? 0
  const surplus = words[most]
  if (surplus !== undefined)
    throw wrongUsage(
      t('usage.surplus-word', { word: surplus, verb: wordsOf(spec) }),
      t('usage.see-verb-help', { verb: wordsOf(spec) }),
    )
  if (argument !== undefined && words.length < argument.least) {
    throw wrongUsage(
      t('usage.argument-missing', { verb: wordsOf(spec), value: argument.value }),
      t('usage.see-verb-help', { verb: wordsOf(spec) }),
    )
  }
  return words
}
