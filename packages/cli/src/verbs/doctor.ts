import type { Store } from 'tidings'
import { hasSchemaCompiler, isTidingsError } from 'tidings/contract'
import type { Arguments } from '../arguments/spec.ts'
import type { doctorSpec } from '../arguments/verb-table.ts'
import type { VerbContext } from '../context.ts'
import { loadContracts } from '../contracts/load-contracts.ts'
import { fail, ok, warn, type Finding } from '../doctor/finding.ts'
import { exitCodes, type ExitCode, Failure } from '../failure.ts'
import { displayWidth, pad, printable } from '../output/width.ts'
import { loadPostgres, openForReading, readLocation } from '../store/open-store.ts'
import { readVersion } from '../version.ts'

/** `tidings doctor`: whether everything is as it should be, and what to do where it is not. */
export async function runDoctor(
  context: VerbContext,
  { options }: Arguments<typeof doctorSpec>,
): Promise<ExitCode> {
  const findings = [
    ...checkRuntime(context),
    ...(await checkStore(context)),
    ...(options.contracts === undefined ? [] : await checkContracts(options.contracts, context)),
  ]
  await print(findings, context)
  return findings.some(({ state }) => state === 'fail') ? exitCodes.failed : exitCodes.done
}

function checkRuntime({ t }: VerbContext): readonly Finding[] {
  const { node, sqlite = '?' } = process.versions
  return [
    ok('tidings', t('doctor.tidings', { version: readVersion() })),
    ok('node', t('doctor.node', { version: node })),
    ok('sqlite', t('doctor.sqlite', { version: sqlite })),
  ]
}

async function checkStore(context: VerbContext): Promise<readonly Finding[]> {
  const { t } = context
  const place = readLocation(context)
  if (place.kind === 'memory') return [ok('store', t('doctor.memory'))]
  if (place.kind === 'postgres') {
    return [...(await checkDatabaseServer(place.url, context)), ...(await checkOpenStore(context))]
  }
  const { statSync } = await import('node:fs')
  if (statSync(place.file, { throwIfNoEntry: false })?.isFile() !== true) {
    return [warn('store', t('store.missing', { file: place.file }), t('store.missing-hint'))]
  }
  const { checkFile } = await import('../doctor/check-file.ts')
  const { checkDatabase } = await import('../doctor/check-database.ts')
  return [
    ...checkFile(place.file, t),
    ...checkDatabase(place.file, t),
    ...(await checkOpenStore(context)),
  ]
}

async function checkDatabaseServer(
  connection: string,
  context: VerbContext,
): Promise<readonly Finding[]> {
  const { t } = context
  const { checkServer } = await import('../doctor/check-server.ts')
  const { inspectServer } = await loadPostgres(context)
  try {
    return checkServer(await inspectServer({ connection }), t)
  } catch (error) {
    if (!isTidingsError(error)) throw error
    return [fail('server', `${error.code}: ${error.message}`, t('doctor.log-todo'))]
  }
}

async function checkOpenStore(context: VerbContext): Promise<readonly Finding[]> {
  const { t, now } = context
  const { checkClock, checkLog } = await import('../doctor/check-log.ts')
  const { checkSubscription } = await import('../doctor/check-subscriptions.ts')
  const { readSubscriptions } = await import('../admin/read-subscriptions.ts')
  let store: Store | undefined
  try {
    store = await openForReading(context)
    const stats = await store.catalog.stats()
    const subscriptions = await readSubscriptions(store)
    return [
      checkLog(stats, t),
      checkClock(now(), stats.lastRecordedAt, t),
      ...subscriptions.map((one) => checkSubscription(one, t)),
    ]
  } catch (error) {
    if (!isTidingsError(error)) throw error
    return [fail('log', `${error.code}: ${error.message}`, t('doctor.log-todo'))]
  } finally {
    await store?.close()
  }
}

async function checkContracts(module: string, context: VerbContext): Promise<readonly Finding[]> {
  const { t } = context
  try {
    const { definitions } = await loadContracts(module, context)
    return definitions.map(({ type, schema }) => {
      const { vendor } = schema['~standard']
      if (hasSchemaCompiler(schema))
        return ok(`contract ${type}`, t('doctor.contract-compiled', { vendor }))
      if (vendor !== 'zod') return ok(`contract ${type}`, t('doctor.contract', { vendor }))
      return warn(
        `contract ${type}`,
        t('doctor.contract-slow', { vendor }),
        t('doctor.contract-slow-todo'),
      )
    })
  } catch (error) {
    if (error instanceof Failure) return [fail('contracts', error.message, error.hint ?? '')]
    if (isTidingsError(error)) return [fail('contracts', error.message, t('doctor.contracts-todo'))]
    throw error
  }
}

const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const

async function print(findings: readonly Finding[], { out, t }: VerbContext): Promise<void> {
  if (out.json) {
    const { fail = 0, warn = 0 } = countStates(findings)
    await out.record({ ok: fail === 0, failures: fail, warnings: warn, checks: findings })
    return
  }
  const labels = { ok: t('doctor.ok'), warn: t('doctor.warn'), fail: t('doctor.fail') }
  const width = Math.max(...Object.values(labels).map(displayWidth))
  for (const { check, state, text, todo } of findings) {
    const label = out.paint(colours[state], pad(labels[state], width))
    await out.line(
      `${label}  ${printable(check)}: ${text
        .split('\n')
        .map(printable)
        .join(`\n${' '.repeat(width + 4)}`)}`,
    )
    if (todo !== undefined && todo !== '')
      await out.line(`${' '.repeat(width + 2)}→ ${printable(todo)}`)
  }
}

function countStates(findings: readonly Finding[]): Partial<Record<Finding['state'], number>> {
  const counts: Partial<Record<Finding['state'], number>> = {}
  for (const { state } of findings) counts[state] = (counts[state] ?? 0) + 1
  return counts
}
