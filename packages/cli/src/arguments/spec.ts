import type { PlainTextKey } from '../texts/keys.ts'

interface OptionTexts {
  /** What stands for the value in help: `FILE`, `GLOB`. */
  readonly value?: string
  readonly text: PlainTextKey
}

/** An option of a verb: its kind says what a value must look like. */
export type OptionSpec = OptionTexts &
  (
    | { readonly kind: 'flag' }
    | { readonly kind: 'text' }
    /** May be given several times. */
    | { readonly kind: 'texts' }
    /** A whole number from `least` up. */
    | { readonly kind: 'count'; readonly least: number }
    /** A number, or the word `end`. */
    | { readonly kind: 'position' }
    /** An ISO 8601 time, a day, or a duration ago (`90m`, `2h`, `7d`). */
    | { readonly kind: 'time' }
    | { readonly kind: 'choice'; readonly choices: readonly string[] }
  )

export interface ExampleSpec {
  /** What to type, without the leading `tidings`. */
  readonly line: string
  readonly text: PlainTextKey
}

/** A verb as help and the parser see it. What it does is in `verbs/`, loaded when it is called. */
export interface VerbSpec {
  readonly name: string
  /** The verb whose sub-verb it is. */
  readonly group?: string
  readonly summary: PlainTextKey
  /** Further paragraphs of its help. */
  readonly notes?: readonly PlainTextKey[]
  readonly argument?: {
    readonly value: string
    readonly least: number
    readonly most: number
    readonly text: PlainTextKey
  }
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples: readonly ExampleSpec[]
}

/** A verb that has sub-verbs, and does nothing by itself. */
export interface GroupSpec {
  readonly name: string
  readonly summary: PlainTextKey
  readonly verbs: readonly VerbSpec[]
}

/** A verb as it is typed, with the one that it belongs to. */
export function wordsOf({ group, name }: Pick<VerbSpec, 'group' | 'name'>): string {
  return group === undefined ? name : `${group} ${name}`
}

type ValueOf<Option> = Option extends { readonly kind: 'flag' }
  ? boolean
  : Option extends { readonly kind: 'texts' }
    ? readonly string[]
    : Option extends { readonly kind: 'count' }
      ? number | undefined
      : Option extends { readonly kind: 'position' }
        ? number | 'end' | undefined
        : Option extends { readonly kind: 'choice'; readonly choices: readonly (infer Choice)[] }
          ? Choice | undefined
          : string | undefined

/** The checked values of a verb's options, and what stood beside them. */
export interface Arguments<Spec extends VerbSpec> {
  readonly options: { readonly [Name in keyof Spec['options']]: ValueOf<Spec['options'][Name]> }
  readonly rest: readonly string[]
}
