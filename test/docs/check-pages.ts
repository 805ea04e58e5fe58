import { posix } from 'node:path'
import { anchors, links, prose, tableRows } from './markdown.ts'
import type { Page } from './pages.ts'

/** The relative links of a page that lead nowhere, a sentence each. */
export function brokenLinks(
  { path, markdown }: Page,
  pages: ReadonlyMap<string, string>,
  exists: (path: string) => boolean,
): string[] {
  return links(markdown).flatMap(({ target, line }) => {
    if (/^[a-z]+:/.test(target)) return []
    const [file = '', anchor] = target.split('#')
    const to = file === '' ? path : posix.join(posix.dirname(path), file)
    if (to.startsWith('../') || !exists(to)) return [`${path}:${line}: there is no ${to}`]
    const page = pages.get(to)
    if (anchor === undefined || page === undefined || anchors(page).has(anchor)) return []
    return [`${path}:${line}: ${to} has no heading #${anchor}`]
  })
}

/** A text of the command line in both languages. */
export interface Translated {
  readonly en: string
  readonly zh: string
}

/**
 * Terms whose Chinese word the command line does not use: it says the English term in some text, and
 * the Chinese word in none of these. Terms that it never says prove nothing and pass.
 */
export function strayTerms(glossary: string, texts: readonly Translated[]): string[] {
  return tableRows(glossary).flatMap(([cell = '', chinese = '']) => {
    const term = cell.replaceAll('*', '').replace(/ \(.*\)$/, '')
    const says = new RegExp(`\\b${RegExp.escape(term)}(?:s|es)?\\b`, 'i')
    // A slot's name is nothing that anybody reads.
    const saying = texts.filter(({ en }) => says.test(en.replaceAll(/\{[^}]*\}/g, '')))
    if (saying.length === 0 || saying.some(({ zh }) => zh.includes(chinese))) return []
    return [`${term}: the command line says ${saying.length} times something other than ${chinese}`]
  })
}

/** What stands in one list and not in the other, both ways; none when they agree. */
export function differences(what: {
  readonly page: Iterable<string>
  readonly code: Iterable<string>
}): { readonly missing: string[]; readonly surplus: string[] } {
  const page = new Set(what.page)
  const code = new Set(what.code)
  return {
    missing: [...code].filter((one) => !page.has(one)),
    surplus: [...page].filter((one) => !code.has(one)),
  }
}

/** A text in back quotes without them. */
export function unquote(cell: string): string {
  return cell.replaceAll('`', '')
}

/** What a page's prose names in back quotes and may be a name of the code: `a`, `A.b`, `a()`; no enum names. */
export function codeNames(markdown: string): string[] {
  const names = Array.from(
    prose(markdown).matchAll(/`(?<name>[A-Za-z]\w+(?:\.[A-Za-z]\w+)*)(?:\([^`]*\))?`/g),
    (match) => match.groups?.['name'] ?? '',
  )
  return names.filter((name) => !/^[A-Z_]+$/.test(name))
}

/** The names of which some part is nowhere in the sources. */
export function strangeNames(names: readonly string[], sources: string): string[] {
  const words = new Set(sources.match(/\w+/g))
  return names.filter((name) => name.split('.').some((part) => !words.has(part)))
}
