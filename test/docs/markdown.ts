/** What a test needs to know of a page: its code, its links, its headings, its tables. */

/** A fenced block. `words` is what stands behind the language: `ts file=a.ts` has `['file=a.ts']`. */
export interface CodeBlock {
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
  /** Of its first line of code, from 1. */
  readonly line: number
}

export interface Link {
  readonly target: string
  readonly line: number
}

const FENCE = /^(?<indent> *)```(?<info>[^`]*)$/

/** All fenced blocks of a page, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const found: CodeBlock[] = []
  let open: { info: string; indent: number; from: number } | undefined
  const lines = markdown.split('\n')
  for (const [index, line] of lines.entries()) {
    const match = FENCE.exec(line)
    if (match?.groups === undefined) continue
    if (open === undefined) {
      open = {
        info: match.groups['info'] ?? '',
        indent: match.groups['indent']?.length ?? 0,
        from: index + 1,
      }
      continue
    }
    const { info, indent, from } = open
    const [language = '', ...words] = info.trim().split(/\s+/)
    const text = lines.slice(from, index).map((one) => one.slice(indent))
    found.push({ language, words, text: text.join('\n'), line: from + 1 })
    open = undefined
  }
  if (open !== undefined)
    throw new Error(`a block that is opened at line ${open.from} is not closed`)
  return found
}

/** A page without its code, each line in its place. */
export function prose(markdown: string): string {
  let inside = false
  return markdown
    .split('\n')
    .map((line) => {
      if (!FENCE.test(line)) return inside ? '' : line
      inside = !inside
      return ''
    })
    .join('\n')
}

/** Every inline link and image, code aside. */
export function links(markdown: string): Link[] {
  return prose(markdown)
    .split('\n')
    .flatMap((text, index) =>
      Array.from(
        text.replaceAll(/`[^`]*`/g, '').matchAll(/\]\((?<target>[^()\s]+)\)/g),
        (match) => ({
          target: match.groups?.['target'] ?? '',
          line: index + 1,
        }),
      ),
    )
}

/** The anchors that a page offers, made of its headings as GitHub makes them. */
export function anchors(markdown: string): ReadonlySet<string> {
  const found = new Set<string>()
  for (const match of prose(markdown).matchAll(/^#{1,6} (?<title>.+)$/gm)) {
    const title = match.groups?.['title'] ?? ''
    const slug = title
      .replaceAll(/\[(?<text>[^\]]*)\]\([^)]*\)/g, '$<text>')
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-')
    let anchor = slug
    for (let copy = 1; found.has(anchor); copy++) anchor = `${slug}-${copy}`
    found.add(anchor)
  }
  return found
}

/** The rows of the tables under a heading (or of the whole page), cell by cell, the head row aside. */
export function tableRows(markdown: string, heading?: string): readonly (readonly string[])[] {
  const lines = prose(heading === undefined ? markdown : sectionOf(markdown, heading)).split('\n')
  return lines
    .filter((line, index) => line.startsWith('|') && isBody(lines, index))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    )
}

function isBody(lines: readonly string[], index: number): boolean {
  const isRule = (line: string | undefined): boolean => /^\|[\s:|-]+\|$/.test(line ?? '')
  return !isRule(lines[index]) && !isRule(lines[index + 1])
}

/** The part of a page from a heading to the next one of its level or above. */
export function sectionOf(markdown: string, heading: string): string {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start === -1) throw new Error(`the page has no heading '${heading}'`)
  const level = lines[start]?.indexOf(' ') ?? 1
  const end = lines.findIndex(
    (line, index) => index > start && /^#+ /.test(line) && line.indexOf(' ') <= level,
  )
  return lines.slice(start, end === -1 ? undefined : end).join('\n')
}
