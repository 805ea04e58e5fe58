import { codeBlocks, type CodeBlock } from './markdown.ts'

/**
 * What a page does when it is run, in the order of the page:
 *
 * - `write`: a block tagged `file=NAME`, for `import './NAME'` or the command line
 * - `module`: all other TypeScript of the page is one module; it runs where its first block stands
 * - `command`: a line of a `sh` block that calls `tidings`; other lines (npm, curl) are not run
 * - `sql`: a block tagged `db=FILE`
 *
 * Tags that leave something out: `norun` (checked, not run: it would not end, or needs the network)
 * and `fragment` (not even checked). An HTML comment `docs-test after=PAGE` starts a page in the
 * folder that the other page left behind; `docs-test postgres` gives it a database, in `DATABASE_URL`.
 */
export type Step =
  | { readonly kind: 'write'; readonly name: string; readonly text: string; readonly line: number }
  | {
      readonly kind: 'module'
      readonly text: string
      readonly outputs: readonly Expected[]
      readonly line: number
    }
  | {
      readonly kind: 'command'
      readonly command: string
      readonly exitCode: number
      readonly outputs: readonly Expected[]
      readonly line: number
    }
  | {
      readonly kind: 'sql'
      readonly database: string
      readonly text: string
      readonly line: number
    }

/** What must be printed: the lines of a `text output` block. `…` stands for any text within a line. */
export interface Expected {
  readonly text: string
  readonly line: number
}

export const MODULE = 'page.ts'

const TAGS: Readonly<Record<string, RegExp>> = {
  ts: /^(?:norun|fragment|file=[\w.-]+)$/,
  sh: /^norun$/,
  sql: /^(?:norun|(?:db|file)=[\w.-]+)$/,
  text: /^output$/,
}

/** The steps of a page, and what is checked but not run. */
export interface Plan {
  readonly after: string | undefined
  /** Whether it needs a database of PostgreSQL. */
  readonly postgres: boolean
  readonly steps: readonly Step[]
  /** Modules that the compiler reads: name → text, each line where it stands in the page. */
  readonly modules: ReadonlyMap<string, string>
}

export function planPage(markdown: string): Plan {
  const blocks = codeBlocks(markdown)
  for (const block of blocks) checkTags(block)
  const steps: Step[] = []
  const modules = new Map<string, string>()
  const run = new Lines()
  const checked = new Lines()
  let previous: CodeBlock | undefined
  let moduleAt: { index: number; line: number } | undefined
  const moduleOutputs: Expected[] = []

  for (const block of blocks) {
    if (block.language === 'sql' && fileOf(block) !== undefined) {
      modules.set(fileOf(block) ?? '', `${block.text}\n`)
      continue
    }
    if (block.language === 'text' && block.words.includes('output')) {
      if (previous?.language === 'ts') moduleOutputs.push(block)
      else addOutput(steps, block)
      continue
    }
    previous = block
    if (block.language === 'ts' && !block.words.includes('fragment')) {
      const name = fileOf(block)
      if (name !== undefined) {
        const file = new Lines()
        file.put(block)
        modules.set(name, file.text())
        steps.push({ kind: 'write', name, text: file.text(), line: block.line })
        continue
      }
      checked.put(block)
      if (block.words.includes('norun')) continue
      run.put(block)
      moduleAt ??= { index: steps.length, line: block.line }
    } else if (!block.words.includes('norun')) steps.push(...runnable(block))
  }
  if (!checked.empty) modules.set(MODULE, checked.text())
  if (moduleAt !== undefined) {
    const { index, line } = moduleAt
    steps.splice(index, 0, { kind: 'module', text: run.text(), outputs: moduleOutputs, line })
  }
  return {
    postgres: markdown.includes('<!-- docs-test postgres -->'),
    after: /<!-- docs-test after=(?<page>\S+) -->/.exec(markdown)?.groups?.['page'],
    steps,
    modules,
  }
}

function checkTags({ language, words, line }: CodeBlock): void {
  const wrong = words.find((word) => TAGS[language]?.test(word) !== true)
  if (wrong !== undefined)
    throw new Error(`line ${line - 1}: '${language}' blocks know no tag '${wrong}'`)
}

/** Puts blocks at the lines at which they stand in the page, so that an error names the page's line. */
class Lines {
  #lines: string[] = []

  get empty(): boolean {
    return this.#lines.length === 0
  }

  put({ text, line }: CodeBlock): void {
    while (this.#lines.length < line - 1) this.#lines.push('')
    this.#lines.push(...text.split('\n'))
  }

  text(): string {
    return `${this.#lines.join('\n')}\nexport {}\n`
  }
}

function fileOf(block: CodeBlock): string | undefined {
  return block.words.find((word) => word.startsWith('file='))?.slice('file='.length)
}

function addOutput(steps: Step[], block: CodeBlock): void {
  const last = steps.at(-1)
  if (last?.kind !== 'command') throw new Error(`line ${block.line}: output of nothing that is run`)
  steps[steps.length - 1] = { ...last, outputs: [...last.outputs, block] }
}

function runnable(block: CodeBlock): readonly Step[] {
  const { language, words, text, line } = block
  if (language === 'json') JSON.parse(text)
  if (language === 'sh') return commandsOf(block)
  const database = words.find((word) => word.startsWith('db='))?.slice('db='.length)
  if (language !== 'sql' || database === undefined) return []
  return [{ kind: 'sql', database, text, line }]
}

const CALL = /(?:^|[|&;]\s*)(?:npx )?tidings(?= |$)/

/** The lines of a shell block that call `tidings`. `# exits 3` at the end says what it ends with. */
function commandsOf({ text, line }: CodeBlock): readonly Step[] {
  const steps: Step[] = []
  let begun = { text: '', line }
  for (const [index, raw] of text.split('\n').entries()) {
    const at = begun.text === '' ? line + index : begun.line
    const command = begun.text + raw.trim()
    const goesOn = command.endsWith('\\')
    begun = { text: goesOn ? command.slice(0, -1) : '', line: at }
    if (!goesOn && CALL.test(command)) steps.push(toCommand(command, at))
  }
  return steps
}

function toCommand(command: string, line: number): Step {
  const expected = /# exits (?<code>\d+)$/.exec(command)?.groups?.['code'] ?? '0'
  return {
    kind: 'command',
    command: command.replaceAll('npx tidings', 'tidings'),
    exitCode: Number(expected),
    outputs: [],
    line,
  }
}

/** The first line of `expected` that `printed` does not hold, in this order; undefined: all are there. */
export function missingLine(printed: string, expected: string): string | undefined {
  const lines = printed.split('\n')
  let from = 0
  for (const wanted of expected.split('\n')) {
    if (wanted.trim() === '' || wanted.trim() === '…') continue
    const pattern = toPattern(wanted)
    const found = lines.findIndex((line, index) => index >= from && pattern.test(line))
    if (found === -1) return wanted
    from = found + 1
  }
  return undefined
}

function toPattern(wanted: string): RegExp {
  const pieces = wanted.trimEnd().split('…')
  return new RegExp(`^${pieces.map((piece) => RegExp.escape(piece)).join('.*')}\\s*$`)
}
