import { nearestName } from './arguments/nearest.ts'
import { type RawCall, readCall, readOptions, readRest } from './arguments/parse.ts'
import { deadLettersGroup } from './arguments/dead-letters.ts'
import type { GroupSpec, OptionSpec, VerbSpec } from './arguments/spec.ts'
import { operationsGroup, subscriptionsGroup } from './arguments/subscriptions.ts'
import { commonOptions, verbTable } from './arguments/verb-table.ts'
import type { VerbContext } from './context.ts'
import { exitCodes, type ExitCode, wrongUsage } from './failure.ts'
import { loadVerb } from './load-verb.ts'
import { createOutput, type Output } from './output/output.ts'
import { watchEnd } from './signals.ts'
import { chooseLanguage, loadTexts, type Translate } from './texts/texts.ts'

const verbs: readonly VerbSpec[] = verbTable
const groups: readonly GroupSpec[] = [deadLettersGroup, subscriptionsGroup, operationsGroup]
const everyVerb = [...verbs, ...groups.flatMap((group) => group.verbs)]

/** Runs one command line of this process from its words to its exit code. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  const call = readCall(argv, [commonOptions, ...everyVerb.map(({ options }) => options)])
  const asked = call.options.findLast(({ name }) => name === 'lang')?.value
  const language = chooseLanguage(asked, process.env)
  const t = await loadTexts(language)
  const out = createOutput(call.options.some(({ name }) => name === 'json'))
  const end = watchEnd()
  try {
    const code = await dispatch(call, { t, language, out, signal: end.signal })
    await out.flush()
    return await end.outputCode(code)
  } catch (error) {
    // Ctrl-C and a reader that has gone surface as this error wherever something was waiting.
    await out.flush()
    if (isAbort(error, end.signal)) return end.exitCode()
    const { reportError } = await import('./output/report-error.ts')
    return await reportError(error, { t, language, out })
  } finally {
    end.stopWatching()
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}

type Early = Pick<VerbContext, 't' | 'language' | 'out' | 'signal'>

async function dispatch(call: RawCall, early: Early): Promise<ExitCode> {
  const { t, out } = early
  const wantsHelp = call.options.some(({ name }) => name === 'help') || call.words[0] === 'help'
  const words = call.words[0] === 'help' ? call.words.slice(1) : call.words
  const found = words[0] === undefined ? undefined : await findVerb(words, t)
  if (call.options.some(({ name }) => name === 'version')) return printVersion(out)
  if (wantsHelp) return printHelp(found, early)
  if (found === undefined) {
    await readOptions(call, commonOptions, { t, nowMs: Date.now() })
    throw wrongUsage(t('usage.no-verb'), t('usage.see-help'))
  }
  if ('verbs' in found) throw noSubVerb(found, t)
  const verb = found
  const table: Readonly<Record<string, OptionSpec>> = { ...commonOptions, ...verb.options }
  const options = await readOptions(call, table, { t, nowMs: Date.now(), verb })
  const rest = readRest(words.slice(verb.group === undefined ? 1 : 2), verb, t)
  const context: VerbContext = {
    ...early,
    location: String(
      options['store'] ?? nonEmpty(process.env['TIDINGS_STORE']) ?? 'sqlite:tidings.db',
    ),
    chosenStore: options['store'] as string | undefined,
    cwd: process.cwd(),
    now: Date.now,
  }
  const runVerb = await loadVerb(verb)
  return runVerb(context, { options, rest })
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

/** The verb that is meant, or the one whose sub-verb is not said. */
async function findVerb(words: readonly string[], t: Translate): Promise<VerbSpec | GroupSpec> {
  const [name = '', second] = words
  const found = await pick(name, [...verbs, ...groups], t)
  if (!('verbs' in found) || second === undefined) return found
  return pick(second, found.verbs, t)
}

async function pick<Spec extends { readonly name: string }>(
  name: string,
  specs: readonly Spec[],
  t: Translate,
): Promise<Spec> {
  const spec = specs.find((one) => one.name === name)
  if (spec !== undefined) return spec
  const nearest = await nearestName(
    name,
    specs.map((one) => one.name),
  )
  const hint =
    nearest === undefined ? t('usage.see-help') : t('usage.did-you-mean', { name: nearest })
  throw wrongUsage(t('usage.unknown-verb', { name }), hint)
}

function noSubVerb({ name, verbs: own }: GroupSpec, t: Translate): Error {
  const list = own.map((verb) => verb.name).join(' | ')
  return wrongUsage(t('usage.no-sub-verb', { group: name, verbs: list }), t('usage.see-help'))
}

async function printHelp(
  verb: VerbSpec | GroupSpec | undefined,
  { t, out }: Early,
): Promise<ExitCode> {
  const { printGroupHelp, printOverview, printVerbHelp } = await import('./arguments/help.ts')
  const context = { t, out, common: commonOptions }
  if (verb === undefined) await printOverview([...verbs, ...groups], context)
  else if ('verbs' in verb) await printGroupHelp(verb, context)
  else await printVerbHelp(verb, context)
  return exitCodes.done
}

async function printVersion(out: Output): Promise<ExitCode> {
  const { readVersion } = await import('./version.ts')
  const version = readVersion()
  await (out.json ? out.record({ version, node: process.versions.node }) : out.line(version))
  return exitCodes.done
}
