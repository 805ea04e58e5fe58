import type { OptionSpec } from './spec.ts'

type Options = Readonly<Record<string, OptionSpec>>

/** Who asks for an operation, and why. */
export const asking = {
  because: { kind: 'text', value: 'TEXT', text: 'option.because' },
  by: { kind: 'text', value: 'NAME', text: 'option.by' },
} as const satisfies Options

/** What happens once it is stored. */
export const carrying = {
  wait: { kind: 'flag', text: 'option.wait' },
  run: { kind: 'flag', text: 'option.run' },
  config: { kind: 'text', value: 'FILE', text: 'option.config' },
} as const satisfies Options
