import { compileGlob } from '../contract/glob.ts'
import { shorten } from '../errors/contract-error.ts'
import type { AlertRule, Severity, SilenceRule } from './alert.ts'
import { invalid, requireMs } from './options.ts'

const DEFAULT_SEVERITY: Readonly<Record<AlertRule['kind'], Severity>> = {
  error: 'high',
  slow: 'warning',
  event: 'high',
  silence: 'high',
  value: 'warning',
}

const SEVERITIES: readonly string[] = ['info', 'warning', 'high', 'critical']

/** A rule as it is worked with. */
export interface CompiledRule<Rule extends AlertRule = AlertRule> {
  readonly rule: Rule
  readonly name: string
  readonly severity: Severity
  readonly matches: (type: string) => boolean
}

/** @throws {UsageError} for a rule that cannot be kept, or two of one name; it says which and why */
export function compileRules(rules: readonly AlertRule[]): readonly CompiledRule[] {
  const isList: boolean = Array.isArray(rules)
  if (!isList || rules.length === 0) throw invalid('Alerts need at least one rule.')
  const names = new Set<string>()
  return rules.map((rule, index) => {
    const place = `rules[${index}]`
    checkRule(rule, place)
    const name = rule.name ?? defaultName(rule)
    if (names.has(name))
      throw invalid(`${place} is a second rule named '${name}': give it a 'name' of its own.`)
    names.add(name)
    const severity = rule.severity ?? DEFAULT_SEVERITY[rule.kind]
    if (!SEVERITIES.includes(severity))
      throw invalid(
        `${place}: 'severity' is one of ${SEVERITIES.join(', ')}; got ${shorten(severity)}.`,
      )
    const type = 'type' in rule ? rule.type : undefined
    return { rule, name, severity, matches: type === undefined ? () => true : compileGlob(type) }
  })
}

function defaultName(rule: AlertRule): string {
  const type = 'type' in rule && rule.type !== undefined ? ` ${rule.type}` : ''
  if (rule.kind === 'silence') return `silence ${silentSubject(rule)}`
  return rule.kind === 'slow' ? `slow${type} over ${rule.overMs} ms` : `${rule.kind}${type}`
}

/** What a rule of kind `silence` listens for. */
export function silentSubject({ type, source }: SilenceRule): string {
  return source === undefined ? type : `${type} of ${source}`
}

function checkRule(rule: AlertRule, place: string): void {
  if (typeof rule !== 'object' || rule === null)
    throw invalid(`${place}: a rule is an object with a 'kind'; got ${shorten(rule)}.`)
  switch (rule.kind) {
    case 'error':
      return checkType(rule.type, place, 'optional')
    case 'slow':
      requireMs(`${place}.overMs`, rule.overMs)
      return checkType(rule.type, place, 'optional')
    case 'event':
      return checkType(rule.type, place, 'required')
    case 'silence':
      requireMs(`${place}.forMs`, rule.forMs)
      if (rule.forMs === 0) throw invalid(`${place}.forMs must be more than 0.`)
      if (rule.source !== undefined && (typeof rule.source !== 'string' || rule.source === ''))
        throw invalid(`${place}: 'source' is the name of one; got ${shorten(rule.source)}.`)
      return checkType(rule.type, place, 'required')
    case 'value':
      return checkValueRule(rule, place)
    default:
      throw invalid(
        `${place}: 'kind' is one of ${Object.keys(DEFAULT_SEVERITY).join(', ')}; got ${String((rule as { kind?: unknown }).kind)}.`,
      )
  }
}

function checkType(type: unknown, place: string, need: 'optional' | 'required'): void {
  if (type === undefined && need === 'optional') return
  if (typeof type === 'string' && type !== '') return
  throw invalid(`${place}: 'type' is the name of an event or a glob; got ${String(type)}.`)
}

function checkValueRule(rule: AlertRule & { readonly kind: 'value' }, place: string): void {
  if (typeof rule.name !== 'string' || rule.name === '')
    throw invalid(`${place}: a rule of kind 'value' has a 'name' that says what is read.`)
  if (typeof rule.read !== 'function')
    throw invalid(`${place}: 'read' is a function that answers with a number.`)
  const bounds = [rule.above, rule.below].filter((bound) => bound !== undefined)
  if (bounds.length === 1 && Number.isFinite(bounds[0])) return
  throw invalid(`${place}: a rule of kind 'value' has either 'above' or 'below', a finite number.`)
}
