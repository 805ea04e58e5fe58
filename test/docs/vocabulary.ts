import { vocabularyWith } from '../../packages/core/src/contract/verbs.ts'

/** The past tenses of the vocabulary as the page lists them: a paragraph for each letter. */
export function listVerbs(): string {
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
