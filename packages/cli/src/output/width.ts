/**
 * Columns that a text takes on a terminal: 2 for wide East Asian characters and emoji, 0 for
 * combining marks, 1 for the rest.
 */
export function displayWidth(text: string): number {
  // Most cells are ASCII, and a table measures each one.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u

// The blocks whose characters Unicode's EastAsianWidth calls wide or fullwidth (UAX 11); JavaScript's regular expressions do not know that property.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u

function characterWidth(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** Fills a text up with spaces. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const missing = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + missing : missing + text
}

/** Shortens a text to a number of columns, with `…` at its end where something is gone. */
export function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const character of text) {
    used += characterWidth(character)
    if (used > width) break
    kept += character
  }
  return `${kept}…`
}

// Controls of C0 and C1, line separators, and the marks that turn the direction of writing around.
const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/**
 * A text from a log as one line that is safe to print: an imported name may hold line breaks, tabs or
 * terminal commands (ESC), which become visible as `\n`, `\t`, `\u001b`.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, escapeControl)
}

function escapeControl(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  if (character === '\r') return '\\r'
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
