import type { ServerReport, ServerSession } from 'tidings/store'
import type { Translate } from '../texts/texts.ts'
import { formatSeconds } from '../output/units.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** Above this share the next process that starts may find none left. */
const CROWDED = 0.8
/** Deferred appends are taken within a second where an application runs. */
const DEFERRED_SECONDS = 60
/** An append holds the lock for milliseconds. */
const HELD_SECONDS = 5

/** The server of a log in PostgreSQL: what a person who looks after it should know. */
export function checkServer(report: ServerReport, t: Translate): readonly Finding[] {
  return [
    checkVersion(report, t),
    checkWrites(report, t),
    ...checkDurability(report, t),
    checkConnections(report, t),
    checkMessages(report, t),
    checkForm(report, t),
    checkLock(report, t),
    ...checkTransactions(report, t),
    ...checkBloat(report, t),
    ...checkDeferred(report, t),
  ]
}

function checkVersion({ version, isSupported }: ServerReport, t: Translate): Finding {
  const text = t('doctor.server', { version })
  return isSupported ? ok('server', text) : fail('server', text, t('doctor.server-todo'))
}

function checkWrites({ isReadOnly }: ServerReport, t: Translate): Finding {
  if (!isReadOnly) return ok('writes', t('doctor.writes'))
  return fail('writes', t('doctor.read-only'), t('doctor.read-only-todo'))
}

function checkDurability(report: ServerReport, t: Translate): readonly Finding[] {
  const { synchronousCommit, fsync, fullPageWrites } = report
  const findings: Finding[] = []
  if (synchronousCommit === 'off') {
    findings.push(warn('commits', t('doctor.commits-off'), t('doctor.commits-todo')))
  }
  const off = [...(fsync ? [] : ['fsync']), ...(fullPageWrites ? [] : ['full_page_writes'])]
  if (off.length > 0) {
    findings.push(
      warn('disk', t('doctor.unsafe', { settings: off.join(', ') }), t('doctor.unsafe-todo')),
    )
  }
  if (findings.length > 0) return findings
  return [ok('commits', t('doctor.commits', { setting: synchronousCommit }))]
}

function checkConnections({ connections: { used, max } }: ServerReport, t: Translate): Finding {
  const text = t('doctor.connections', { used, max })
  if (used < max * CROWDED) return ok('connections', text)
  return warn('connections', text, t('doctor.connections-todo'))
}

function checkMessages({ hearsMessages }: ServerReport, t: Translate): Finding {
  if (hearsMessages) return ok('messages', t('doctor.messages'))
  return warn('messages', t('doctor.no-messages'), t('doctor.no-messages-todo'))
}

function checkForm({ schema }: ServerReport, t: Translate): Finding {
  if (schema === undefined) return warn('schema', t('doctor.no-schema'), t('doctor.no-schema-todo'))
  return ok('schema', t('doctor.schema', { version: String(schema.number), by: schema.by }))
}

function checkLock({ lock: { holder, waiting } }: ServerReport, t: Translate): Finding {
  if (holder === undefined) return ok('lock', t('doctor.lock-free'))
  const text = t('doctor.lock-held', { ...facts(holder), waiting })
  if (holder.seconds < HELD_SECONDS) return ok('lock', text)
  return warn('lock', text, t('doctor.session-todo', { pid: String(holder.pid) }))
}

function checkTransactions(report: ServerReport, t: Translate): readonly Finding[] {
  const { longTransactions, hiddenSessions } = report
  const hidden =
    hiddenSessions > 0 ? [ok('hidden', t('doctor.hidden', { sessions: hiddenSessions }))] : []
  if (longTransactions.length === 0)
    return [ok('transactions', t('doctor.transactions')), ...hidden]
  const long = longTransactions.map((one) =>
    warn(
      'transactions',
      t('doctor.transaction', facts(one)),
      t('doctor.session-todo', { pid: String(one.pid) }),
    ),
  )
  return [...long, ...hidden]
}

function checkBloat({ bloat }: ServerReport, t: Translate): readonly Finding[] {
  if (bloat.length === 0) return [ok('bloat', t('doctor.no-bloat'))]
  return bloat.map(({ table, live, dead }) =>
    warn('bloat', t('doctor.bloat', { table, live, dead }), t('doctor.bloat-todo', { table })),
  )
}

function checkDeferred({ deferred }: ServerReport, t: Translate): readonly Finding[] {
  const { waiting, oldestSeconds, refused } = deferred
  const findings: Finding[] = []
  if (oldestSeconds > DEFERRED_SECONDS) {
    const text = t('doctor.deferred', { waiting, time: formatSeconds(oldestSeconds) })
    findings.push(warn('deferred', text, t('doctor.deferred-todo')))
  }
  if (refused > 0) {
    findings.push(warn('deferred', t('doctor.refused', { refused }), t('doctor.refused-todo')))
  }
  return findings
}

function facts({ pid, application, user, state, seconds }: ServerSession): {
  readonly pid: string
  readonly who: string
  readonly state: string
  readonly time: string
} {
  return { pid: String(pid), who: `${user}/${application}`, state, time: formatSeconds(seconds) }
}
