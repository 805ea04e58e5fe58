/** Whether a text is a glob, and not the name of one type. */
export function isGlob(pattern: string): boolean {
  return pattern.includes('*')
}

/**
 * Whether a dotted name fits a glob: `*` stands for one segment (or a part of one), `**` for any
 * number of them, none included. `Todo.**` fits `Todo.Item.Created` and `Todo`.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  return compileGlob(pattern)(name)
}

/**
 * A glob, prepared for many names. Matching goes back to the last `**` only, so its time is at most
 * segments × pattern segments: a regular expression would take exponentially long for some patterns.
 */
export function compileGlob(pattern: string): (name: string) => boolean {
  if (!isGlob(pattern)) return (name) => name === pattern
  if (pattern === '**') return () => true
  const steps = pattern.split('.').map(compileStep)
  return (name) => matchesSteps(steps, name.split('.'))
}

type Step = '**' | ((segment: string) => boolean)

function compileStep(text: string): Step {
  if (text === '**') return '**'
  if (text === '*') return (segment) => segment !== ''
  const pieces = text.split(/\*+/)
  if (pieces.length === 1) return (segment) => segment === text
  return (segment) => matchesPieces(pieces, segment)
}

function matchesPieces(pieces: readonly string[], segment: string): boolean {
  const first = pieces[0] ?? ''
  const last = pieces.at(-1) ?? ''
  if (segment.length < first.length + last.length) return false
  if (!segment.startsWith(first) || !segment.endsWith(last)) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = segment.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return at <= segment.length - last.length
}

function matchesSteps(steps: readonly Step[], segments: readonly string[]): boolean {
  let step = 0
  let segment = 0
  let retryStep = -1
  let retrySegment = 0
  while (segment < segments.length) {
    const current = steps[step]
    if (current === '**') {
      retryStep = ++step
      retrySegment = segment
    } else if (current?.(segments[segment] ?? '') === true) {
      step++
      segment++
    } else if (retryStep === -1) {
      return false
    } else {
      step = retryStep
      segment = ++retrySegment
    }
  }
  while (steps[step] === '**') step++
  return step === steps.length
}
