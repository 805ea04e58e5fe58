import { vocabularyWith } from '../../packages/core/src/contract/verbs.ts'

/** The page of verbs. */
export function verbsPage(): string {
  return `# Verbs

The past tenses that names may end in: see [names and verbs](naming.md#verbs).
\`npx vitest run -u --project unit test/docs\` writes this page.

${listVerbs()}
`
}

/** The past tenses of the vocabulary, a paragraph for each letter. */
function listVerbs(): string {
  const verbs = [...vocabularyWith(undefined).imperativeOf.keys()].toSorted()
  const byLetter = Map.groupBy(verbs, (verb) => verb.charAt(0))
  return [...byLetter.values()].map((words) => wrap(words.join(', '), 100)).join('\n\n')
}

function wrap(text: string, columns: number): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.join('\n')
}
