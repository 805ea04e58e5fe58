import type { Fault, Files } from './tidy.ts'

interface Leftover {
  readonly name: string
  readonly where: RegExp
  readonly pattern: RegExp
  readonly message: string
}

const anywhere = /\.(?:ts|tsx|mts|js|json|md|sh)$/
const tests = /(?:^|\/)test\/.*\.ts$/

/** What a finished change no longer holds. Written so that this list does not match itself. */
const leftovers: readonly Leftover[] = [
  {
    name: 'note',
    where: anywhere,
    pattern: /(?<![\w-])(?:TO[D]O|FIX[M]E|X{3}|HA[C]K)(?=[:( ]|$)/,
    message: 'A note to oneself. Do it, or file an issue and say in the comment what holds today.',
  },
  {
    name: 'only',
    where: tests,
    pattern: /\b(?:test|it|describe|suite)(?:\.\w+)*\.only\b/,
    message: 'A focused test switches the others off.',
  },
  {
    name: 'debugger',
    where: /\.(?:ts|tsx|js)$/,
    pattern: /^\s*debugger\b/,
    message: 'A breakpoint.',
  },
  {
    name: 'sleep',
    where: tests,
    pattern:
      /node:timers\/promises|Atomics\.wait\(|new Promise\b[^\n]*\bsetTimeout\(|\bawait (?:sleep|delay)\(/,
    message:
      'A test that sleeps is slow on a good day and fails on a bad one. Use the fake clock, or wait for the thing itself (an event, a line of output, vi.waitFor).',
  },
]

/**
 * Each leftover, unless its line or the one above says why it must be:
 * `// tidy-allow sleep: the operating system offers no event for this`.
 */
export function checkLeftovers(files: Files): Fault[] {
  const faults: Fault[] = []
  for (const [file, text] of files) {
    const lines = text.split('\n')
    for (const leftover of leftovers.filter(({ where }) => where.test(file))) {
      for (const [index, line] of lines.entries()) {
        if (!leftover.pattern.test(line)) continue
        const near = `${lines[index - 1] ?? ''}\n${line}`
        if (new RegExp(`tidy-allow ${leftover.name}: \\S`).test(near)) continue
        faults.push({
          rule: `leftovers/${leftover.name}`,
          file,
          line: index + 1,
          message: `${leftover.message} Here: ${line.trim().slice(0, 80)}`,
        })
      }
    }
  }
  return faults
}
