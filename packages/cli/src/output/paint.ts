import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Colours a text where its reader wants colour: on a terminal, and as NO_COLOR and FORCE_COLOR say. */
export type Paint = (style: Style, text: string) => string

export function createPaint(stream: NodeJS.WritableStream): Paint {
  // styleText asks the environment at each call; a table of a million cells asks once.
  const coloured = styleText('red', 'x', { stream, validateStream: true }) !== 'x'
  return coloured
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text
}
