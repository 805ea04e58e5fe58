import type { Output } from './output/output.ts'
import type { Language, Translate } from './texts/texts.ts'

/** What a verb is given beside its own arguments. */
export interface VerbContext {
  readonly t: Translate
  readonly language: Language
  readonly out: Output
  /** Where the log is, as the caller said it: `sqlite:FILE`, `postgres://…` or `memory:`. */
  readonly location: string
  /** What `--store` said; undefined where it was not given. */
  readonly chosenStore: string | undefined
  readonly cwd: string
  /** Aborted by Ctrl-C, by SIGTERM, and when nobody reads the output any more. */
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
