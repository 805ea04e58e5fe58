import type { Output } from '../output/output.ts'
import { displayWidth, pad } from '../output/width.ts'
import type { Translate } from '../texts/texts.ts'
import { placeholder } from './parse.ts'
import { wordsOf, type GroupSpec, type OptionSpec, type VerbSpec } from './spec.ts'

interface HelpContext {
  readonly out: Output
  readonly t: Translate
  readonly common: Readonly<Record<string, OptionSpec>>
}

/** The page of the command itself: what there is, and how to begin. */
export async function printOverview(
  verbs: readonly (VerbSpec | GroupSpec)[],
  context: HelpContext,
): Promise<void> {
  const { out, t, common } = context
  await out.line(`${out.paint('bold', 'tidings')}: ${t('help.what')}`)
  await section(context, t('help.usage'), [[t('help.usage-line'), '']])
  await section(
    context,
    t('help.verbs'),
    verbs.map(({ name, summary }) => [name, t(summary)]),
  )
  await section(context, t('help.common-options'), describeOptions(common, t))
  await out.line('')
  await out.line(t('help.exit-codes'))
  await out.line(t('help.more'))
}

/** The page of a verb that has sub-verbs. */
export async function printGroupHelp(group: GroupSpec, { out, t }: HelpContext): Promise<void> {
  const { name, summary, verbs } = group
  await out.line(`${out.paint('bold', `tidings ${name}`)}: ${t(summary)}`)
  await section({ out, t }, t('help.usage'), [[t('help.group-usage', { group: name }), '']])
  await section(
    { out, t },
    t('help.verbs'),
    verbs.map((verb) => [verb.name, t(verb.summary)]),
  )
  await out.line('')
  await out.line(t('help.group-more', { group: name }))
}

/** The page of one verb. */
export async function printVerbHelp(verb: VerbSpec, context: HelpContext): Promise<void> {
  const { out, t, common } = context
  const { argument, options, examples, notes = [] } = verb
  await out.line(`${out.paint('bold', `tidings ${wordsOf(verb)}`)}: ${t(verb.summary)}`)
  const usage = ['tidings', wordsOf(verb), describeArgument(verb), t('help.options-slot')].filter(
    (part) => part !== '',
  )
  await section(context, t('help.usage'), [[usage.join(' '), '']])
  if (argument !== undefined)
    await section(context, t('help.arguments'), [[argument.value, t(argument.text)]])
  if (Object.keys(options).length > 0)
    await section(context, t('help.options'), describeOptions(options, t))
  await section(context, t('help.common-options'), describeOptions(common, t))
  for (const note of notes) {
    await out.line('')
    await out.line(t(note))
  }
  await out.line('')
  await out.line(out.paint('bold', t('help.examples')))
  for (const { line, text } of examples) {
    await out.line(`  ${out.paint('dim', `# ${t(text)}`)}`)
    await out.line(`  tidings ${line}`)
  }
}

function describeArgument({ argument }: VerbSpec): string {
  if (argument === undefined) return ''
  const many = argument.most > 1 ? '…' : ''
  return argument.least === 0 ? `[${argument.value}${many}]` : argument.value + many
}

function describeOptions(
  table: Readonly<Record<string, OptionSpec>>,
  t: Translate,
): [string, string][] {
  return Object.entries(table).map(([name, spec]) => {
    const value =
      spec.kind === 'flag' ? '' : ` ${placeholder(spec)}${spec.kind === 'texts' ? '…' : ''}`
    return [`--${name}${value}`, t(spec.text)]
  })
}

async function section(
  { out }: Pick<HelpContext, 'out' | 't'>,
  title: string,
  lines: readonly (readonly [string, string])[],
): Promise<void> {
  await out.line('')
  await out.line(out.paint('bold', title))
  const width = Math.max(...lines.map(([left]) => displayWidth(left)))
  for (const [left, right] of lines)
    await out.line(`  ${right === '' ? left : `${pad(left, width)}  ${right}`}`)
}
