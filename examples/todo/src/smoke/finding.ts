/** What was looked at, and whether it is as it must be. */
export interface Finding {
  readonly name: string
  readonly isRight: boolean
  readonly expected: string
  readonly seen: string
}

export function finding(name: string, expected: string, seen: string): Finding {
  return { name, isRight: expected === seen, expected, seen }
}

export function table(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ name }) => name.length))
  return findings.map(({ name, isRight, expected, seen }) => {
    return `${isRight ? '✓' : '✗'} ${name.padEnd(width)}  ${seen}${isRight ? '' : `   EXPECTED ${expected}`}`
  })
}
