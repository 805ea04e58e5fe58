/** How many insertions, deletions, replacements and swaps of neighbours turn one text into the other. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
      )
      const swapped =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) best = Math.min(best, beforeLast[column - 2]! + 1)
      current.push(best)
    }
    beforeLast = last
    last = current
  }
  return last[b.length]!
}

/**
 * The known names that a mistyped one most likely meant, nearest first; none that is further away
 * than two fifths of its length. Case does not count.
 */
export function nearestNames(name: string, known: Iterable<string>, limit = 3): string[] {
  const wanted = name.toLowerCase()
  const ranked: { readonly name: string; readonly distance: number }[] = []
  for (const candidate of known) {
    const reach = Math.ceil(Math.max(candidate.length, name.length) * 0.4)
    if (Math.abs(candidate.length - name.length) > reach) continue
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance <= reach) ranked.push({ name: candidate, distance })
  }
  ranked.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return ranked.slice(0, limit).map((entry) => entry.name)
}
