import { editDistance } from '../internal/nearest.ts'
import { splitWords } from './names.ts'
import { linkingVerbs, particles, vocabularyWith, type Verbs, type Vocabulary } from './verbs.ts'

/** Why a name breaks the naming rules. */
export interface NameReason {
  /** `segments`: too few or too many; `case`: not PascalCase; `verb`: not in the vocabulary; `tense`: the wrong form. */
  readonly code: 'segments' | 'case' | 'verb' | 'tense'
  /** The part of the name that is wrong. */
  readonly part: string
  readonly message: string
  /** A whole name that keeps the rules, where one can be told. */
  readonly suggestion?: string
}

export interface NameLintOptions {
  /** Verbs in the past tense that the team adds to the vocabulary: `['Nudged']`. */
  readonly verbs?: Verbs | undefined
}

interface NameRule {
  readonly form: string
  readonly most: 3 | 4
  readonly checkAction: (
    action: string,
    vocabulary: Vocabulary,
  ) => Omit<NameReason, 'suggestion'> | undefined
  readonly repairAction: (words: readonly string[], vocabulary: Vocabulary) => Action | undefined
}

/** What a name's last segment became: whole, and as the verb with what it is said of. */
interface Action {
  readonly whole: string
  readonly verb: string
  readonly subject: readonly string[]
}

const eventRule: NameRule = {
  form: '<Domain>.<Aggregate>[.<SubAggregate>].<PastTense>',
  most: 4,
  checkAction: checkPast,
  repairAction: repairPast,
}
const capabilityRule: NameRule = { ...eventRule, form: '<Capability>.<Entity>.<Action>', most: 3 }
const commandRule: NameRule = {
  form: '<Domain>.<Aggregate>[.<SubAggregate>].<Imperative>',
  most: 4,
  checkAction: checkImperative,
  repairAction: repairImperative,
}

/** Reasons why a name is no good name for a fact (`Todo.Item.Created`); none when it is. */
export function lintEventType(type: string, options: NameLintOptions = {}): readonly NameReason[] {
  return lint(type, eventRule, vocabularyWith(options.verbs))
}

/** Reasons why a name is no good name for a task or its result (`Outliner.Theme.Generated`); none when it is. */
export function lintCapabilityType(
  type: string,
  options: NameLintOptions = {},
): readonly NameReason[] {
  return lint(type, capabilityRule, vocabularyWith(options.verbs))
}

/** Reasons why a name is no good name for a command (`Todo.Item.Create`); none when it is. */
export function lintCommandType(
  type: string,
  options: NameLintOptions = {},
): readonly NameReason[] {
  return lint(type, commandRule, vocabularyWith(options.verbs))
}

function lint(type: string, rule: NameRule, vocabulary: Vocabulary): readonly NameReason[] {
  const found = findReasons(type, rule, vocabulary)
  if (found.length === 0) return found
  const suggestion = repair(type, rule, vocabulary)
  // A suggestion that breaks the rules itself would send people in circles.
  if (suggestion === undefined || findReasons(suggestion, rule, vocabulary).length > 0) return found
  return found.map((reason) => ({ ...reason, suggestion }))
}

function findReasons(
  type: string,
  rule: NameRule,
  vocabulary: Vocabulary,
): readonly Omit<NameReason, 'suggestion'>[] {
  const segments = type.split('.')
  const reasons: Omit<NameReason, 'suggestion'>[] = []
  if (segments.length < 3 || segments.length > rule.most) {
    const wanted = rule.most === 3 ? '3' : '3 or 4'
    const count = segments.length === 1 ? '1 segment' : `${segments.length} segments`
    reasons.push({
      code: 'segments',
      part: type,
      message: `a name has ${wanted} segments, ${rule.form}; this one has ${count}`,
    })
  }
  for (const segment of segments) {
    if (isPascalCase(segment)) continue
    reasons.push({
      code: 'case',
      part: segment,
      message: `a segment is in PascalCase, got '${segment}'`,
    })
  }
  const action = segments.at(-1) ?? ''
  const wrong =
    isPascalCase(action) && segments.length > 1 ? rule.checkAction(action, vocabulary) : undefined
  if (wrong !== undefined) reasons.push(wrong)
  return reasons
}

/** `Item`, `InApp`, `PDFExport`; not `ITEM`: capitals throughout are an enum's name, or an acronym of up to three letters. */
function isPascalCase(segment: string): boolean {
  return /^[A-Z][A-Za-z0-9]*$/.test(segment) && !/^[A-Z0-9]{4,}$/.test(segment)
}

function checkPast(
  action: string,
  vocabulary: Vocabulary,
): Omit<NameReason, 'suggestion'> | undefined {
  const words = splitWords(action)
  if (endsInPast(words, vocabulary)) return undefined
  const at = verbIndex(words)
  const last = words[at] ?? action
  if (vocabulary.pastOf.has(last)) {
    return {
      code: 'tense',
      part: words.slice(at).join(''),
      message: `a fact is in the past tense, '${last}' is not`,
    }
  }
  const message = `'${last}' is no verb of the vocabulary; take one of it, or add yours: { verbs: ['${last}'] }`
  return { code: 'verb', part: last, message }
}

/** Where the verb of a fact stands: last, but for a small word that belongs to it. */
function verbIndex(words: readonly string[]): number {
  return words.length - (words.length > 1 && particles.has(words.at(-1) ?? '') ? 2 : 1)
}

/** `Created`, `SeedRequested`, `LoggedIn`, `UserSignedUp`, `BecameOverdue`. */
function endsInPast(words: readonly string[], vocabulary: Vocabulary): boolean {
  const last = words.at(-1) ?? ''
  if (vocabulary.imperativeOf.has(last)) return !linkingVerbs.has(last)
  if (words.length > 1 && linkingVerbs.has(words[0] ?? '')) return true
  return particles.has(last) && vocabulary.imperativeOf.has(words.at(-2) ?? '')
}

function checkImperative(
  action: string,
  vocabulary: Vocabulary,
): Omit<NameReason, 'suggestion'> | undefined {
  const first = splitWords(action)[0] ?? action
  const last = splitWords(action).at(-1) ?? action
  // What follows a verb may look like the past: `MarkDone`.
  for (const word of vocabulary.pastOf.has(first) ? [first] : [first, last]) {
    if (!isPastOnly(word, vocabulary)) continue
    return {
      code: 'tense',
      part: word,
      message: `a command is in the imperative, '${word}' is past tense`,
    }
  }
  return undefined
}

function isPastOnly(word: string, vocabulary: Vocabulary): boolean {
  if (vocabulary.pastOf.has(word)) return false
  return vocabulary.imperativeOf.has(word) || /[^e]ed$/.test(word)
}

/** The nearest name that keeps the rule: `todo_item_create` → `Todo.Item.Created`. */
function repair(type: string, rule: NameRule, vocabulary: Vocabulary): string | undefined {
  const parts = joinPhrase(
    type
      .split(type.includes('.') ? '.' : /[\s_:/-]+/)
      .map((part) => splitWords(part).map(capitalize))
      .filter((words) => words.length > 0),
  )
  const last = parts.pop()
  const action = last === undefined ? undefined : rule.repairAction(last, vocabulary)
  if (action === undefined) return undefined
  const segments = parts.map((words) => words.join(''))
  // 'TodoCreated' and 'Todo.Created': what the action has in front of it names the aggregate.
  if (segments.length < 2) return fillUp(segments, action)
  const subject =
    segments.length < rule.most
      ? segments
      : [...segments.slice(0, rule.most - 2), segments.slice(rule.most - 2).join('')]
  return [...subject, action.whole].join('.')
}

/** `logged-in` and `became_overdue` are one action, though they came as two parts. */
function joinPhrase(parts: string[][]): string[][] {
  const linked = parts.findIndex(([word = '']) => linkingVerbs.has(word))
  const at =
    linked > 0 ? linked : parts.length - (particles.has(parts.at(-1)?.join('') ?? '') ? 2 : 1)
  return at <= 0 ? parts : [...parts.slice(0, at), parts.slice(at).flat()]
}

function fillUp(segments: readonly string[], action: Action): string | undefined {
  const [first = '', ...rest] = action.subject
  const [domain, aggregate] =
    segments.length > 0 ? [segments[0], action.subject.join('')] : [first, rest.join('')]
  if (domain === undefined || domain === '') return undefined
  return [domain, aggregate === '' ? domain : aggregate, action.verb].join('.')
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()
}

function repairPast(words: readonly string[], vocabulary: Vocabulary): Action | undefined {
  const [first = '', ...object] = words
  const asked = vocabulary.pastOf.get(first)
  // A request names its subject last (`RequestSeed`), a fact names it first (`SeedRequested`).
  if (
    asked !== undefined &&
    object.length > 0 &&
    !particles.has(object[0] ?? '') &&
    !endsInPast(words, vocabulary)
  ) {
    return { whole: object.join('') + asked, verb: asked, subject: object }
  }
  const linked = words.findIndex((word) => linkingVerbs.has(word))
  const at = linked === -1 ? verbIndex(words) : linked
  const past = toPast(words[at] ?? '', vocabulary)
  if (past === undefined) return undefined
  const subject = words.slice(0, at)
  const verb = [past, ...words.slice(at + 1)].join('')
  return { whole: linked === -1 ? subject.join('') + verb : verb, verb, subject }
}

function toPast(word: string, vocabulary: Vocabulary): string | undefined {
  if (vocabulary.imperativeOf.has(word)) return word
  return vocabulary.pastOf.get(word) ?? nearestVerb(word, vocabulary)
}

/** Two slips at the most: further away stands another verb, and advice that is wrong. */
function nearestVerb(word: string, vocabulary: Vocabulary): string | undefined {
  for (const slips of [1, 2]) {
    for (const verb of vocabulary.imperativeOf.keys()) {
      const close = Math.abs(verb.length - word.length) <= slips && verb.length > slips * 4
      if (close && editDistance(verb.toLowerCase(), word.toLowerCase()) <= slips) return verb
    }
  }
  return undefined
}

function repairImperative(words: readonly string[], vocabulary: Vocabulary): Action | undefined {
  const known = words.findIndex(
    (word) => vocabulary.pastOf.has(word) || vocabulary.imperativeOf.has(word),
  )
  const at = Math.max(known, 0)
  const word = words[at] ?? ''
  const imperative = isPastOnly(word, vocabulary) ? vocabulary.imperativeOf.get(word) : word
  if (imperative === undefined || imperative === '') return undefined
  const particle = particles.has(words[at + 1] ?? '') ? words.slice(at + 1, at + 2) : []
  const verb = [imperative, ...particle].join('')
  // A fact names its subject first (`SeedRequested`), a request names it last (`RequestSeed`).
  const subject = [...words.slice(0, at), ...words.slice(at + 1 + particle.length)]
  return { whole: verb + subject.join(''), verb, subject }
}
