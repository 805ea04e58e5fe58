import { type RawCall, readCall, readOptions, readRest } from './arguments/parse.ts'
import type { OptionSpec, VerbSpec } from './arguments/spec.ts'
import { commonOptions, verbTable, type VerbName } from './arguments/verb-table.ts'
import type { VerbContext } from './context.ts'
import { exitCodes, type ExitCode, wrongUsage } from './failure.ts'
import { loadVerb } from './load-verb.ts'
import { nearestNames } from 'tidings/contract'
import { createOutput, type Output } from './output/output.ts'
import { reportError } from './output/report-error.ts'
import { watchEnd } from './signals.ts'
import { chooseLanguage, loadTexts, type Translate } from './texts/texts.ts'

const verbs: readonly VerbSpec[] = verbTable

/** Runs one command line of this process from its words to its exit code. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  const call = readCall(argv, [commonOptions, ...verbs.map(({ options }) => options)])
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
  const verb = words[0] === undefined ? undefined : findVerb(words[0], t)
  if (call.options.some(({ name }) => name === 'version')) return printVersion(out)
  if (wantsHelp) return printHelp(verb, early)
  if (verb === undefined) {
    readOptions(call, commonOptions, { t, nowMs: Date.now() })
    throw wrongUsage(t('usage.no-verb'), t('usage.see-help'))
  }
  const table: Readonly<Record<string, OptionSpec>> = { ...commonOptions, ...verb.options }
  const options = readOptions(call, table, { t, nowMs: Date.now() })
  const rest = readRest(words.slice(1), verb, t)
  const context: VerbContext = {
    ...early,
    location: String(
      options['store'] ?? nonEmpty(process.env['TIDINGS_STORE']) ?? 'sqlite:tidings.db',
    ),
    cwd: process.cwd(),
    now: Date.now,
  }
  const runVerb = await loadVerb(verb.name as VerbName)
  return runVerb(context, { options, rest })
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function findVerb(name: string, t: Translate): VerbSpec {
  const verb = verbs.find((verb) => verb.name === name)
  if (verb !== undefined) return verb
  const [nearest] = nearestNames(
    name,
    verbs.map((verb) => verb.name),
  )
  const hint =
    nearest === undefined ? t('usage.see-help') : t('usage.did-you-mean', { name: nearest })
  throw wrongUsage(t('usage.unknown-verb', { name }), hint)
}

async function printHelp(verb: VerbSpec | undefined, { t, out }: Early): Promise<ExitCode> {
  const { printOverview, printVerbHelp } = await import('./arguments/help.ts')
  const context = { t, out, common: commonOptions }
  await (verb === undefined ? printOverview(verbs, context) : printVerbHelp(verb, context))
  return exitCodes.done
}

async function printVersion(out: Output): Promise<ExitCode> {
  const { readVersion } = await import('./version.ts')
  const version = readVersion()
  await (out.json ? out.record({ version, node: process.versions.node }) : out.line(version))
  return exitCodes.done
}
