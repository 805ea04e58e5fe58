import { compileGlob } from '../contract/glob.ts'
import { shorten } from '../errors/contract-error.ts'
import type { AlertRule, Severity, SilenceRule, WatchRule } from './alert.ts'
import { SUBSCRIPTION_STATES } from './subscription-reading.ts'
import { invalid, requireCount, requireMs } from './options.ts'

const DEFAULT_SEVERITY: Readonly<Record<AlertRule['kind'], Severity>> = {
  error: 'high',
  slow: 'warning',
  event: 'high',
  silence: 'high',
  value: 'warning',
  subscription: 'high',
  parked: 'warning',
  lag: 'warning',
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
    const type = patternOf(rule)
    return { rule, name, severity, matches: type === undefined ? () => true : compileGlob(type) }
  })
}

/** What a rule is about: types of events, or names of subscriptions. */
function patternOf(rule: AlertRule): string | undefined {
  if ('type' in rule) return rule.type
  return 'subscription' in rule ? rule.subscription : undefined
}

function defaultName(rule: AlertRule): string {
  const pattern = patternOf(rule)
  const type = pattern === undefined ? '' : ` ${pattern}`
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
    case 'subscription':
    case 'parked':
    case 'lag':
      return checkWatchRule(rule, place)
    default:
      throw invalid(
        `${place}: 'kind' is one of ${Object.keys(DEFAULT_SEVERITY).join(', ')}; got ${String((rule as { kind?: unknown }).kind)}.`,
      )
  }
}

function checkType(type: unknown, place: string, need: 'optional' | 'required'): void {
  if (type === undefined && need === 'optional') return
  if (typeof type === 'string' && !type.split('.').includes('')) return
  throw invalid(`${place}: 'type' is the name of an event or a glob; got ${shorten(type)}.`)
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

function checkWatchRule(rule: WatchRule, place: string): void {
  const { subscription } = rule
  if (subscription !== undefined && (typeof subscription !== 'string' || subscription === ''))
    throw invalid(`${place}: 'subscription' is a name or a glob; got ${shorten(subscription)}.`)
  if (rule.kind === 'subscription') return checkStates(rule.states, place)
  if (rule.kind === 'parked') {
    if (rule.above !== undefined) requireCount(`${place}.above`, rule.above, 0)
    if (rule.only === undefined || rule.only === 'dead-letters') return
    throw invalid(`${place}: 'only' is 'dead-letters'; got ${shorten(rule.only)}.`)
  }
  if (rule.overMs === undefined && rule.overEvents === undefined)
    throw invalid(`${place}: a rule of kind 'lag' has 'overMs', 'overEvents' or both.`)
  if (rule.overMs !== undefined) requireMs(`${place}.overMs`, rule.overMs)
  if (rule.overEvents !== undefined) requireCount(`${place}.overEvents`, rule.overEvents, 0)
}

const WATCHED_STATES: readonly string[] = [...SUBSCRIPTION_STATES, 'unowned']

function checkStates(states: readonly string[] | undefined, place: string): void {
  if (states === undefined) return
  const isList: boolean = Array.isArray(states)
  const isGood = isList && states.length > 0 && states.every((one) => WATCHED_STATES.includes(one))
  if (isGood) return
  throw invalid(
    `${place}: 'states' is a list of ${WATCHED_STATES.join(', ')}; got ${shorten(states)}.`,
  )
}
