import type { Output } from './output.ts'
import { displayWidth, pad, printable } from './width.ts'

/** Prints names and values under each other: aligned for a person, with a tab between them in a pipe. */
export async function printFields(
  output: Output,
  fields: readonly (readonly [string, string])[],
): Promise<void> {
  const width = Math.max(...fields.map(([name]) => displayWidth(name)))
  for (const [name, value] of fields) {
    const left = output.terminal ? output.paint('bold', pad(name, width + 2)) : `${name}\t`
    await output.line(left + printable(value))
  }
}
