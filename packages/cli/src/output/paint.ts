// An import would load all that the module offers, up to its comparing of texts: 5 ms of each start.
const { styleText } = process.getBuiltinModule('node:util')

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Colours a text where its reader wants colour: on a terminal, and as NO_COLOR and FORCE_COLOR say. */
export type Paint = (style: Style, text: string) => string

export function createPaint(stream: NodeJS.WritableStream): Paint {
  // styleText asks the environment at each call; a table of a million cells asks once, and lines in a
  // pipe never.
  let coloured: boolean | undefined
  return (style, text) => {
    coloured ??= styleText('red', 'x', { stream, validateStream: true }) !== 'x'
    return coloured ? styleText(style, text, { validateStream: false }) : text
  }
}
