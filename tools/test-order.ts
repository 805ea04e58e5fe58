import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that take half a minute and more, the longest first. Where no run was before vitest goes by the
 * size of files, and most of these are small: each would begin when all others have ended.
 */
export const LONG: readonly string[] = [
  'crash/delivery/lives.e2e',
  'postgres/test/runtime.conformance',
  'postgres/test/postgres.conformance',
  'soak/soak.e2e',
  'simulation/simulation.integration',
  'docs.e2e',
  'benches.integration',
  'simulation/planted-bugs.integration',
  'crash/archive/archive.e2e',
  'bus/leaks.integration',
  'packed.e2e',
  'crash/delivery/check-life.e2e',
  'postgres/test/broken.conformance',
]

/** A test file, and the kind of tests that it holds. */
export interface Ordered {
  readonly kind: string
  readonly path: string
}

/**
 * The long ones first; and what waits much (for processes, leases, servers) beside what computes, evenly to
 * the end: one after the other, the kinds left cores idle at first and had them fought for later. Unit tests
 * come last, together: they share their workers.
 */
export function orderFiles<File extends Ordered>(files: readonly File[]): readonly File[] {
  const ranked = files.toSorted((one, other) => rankOf(one) - rankOf(other))
  const of = (...kinds: readonly string[]): File[] =>
    ranked.filter(({ kind }) => kinds.includes(kind))
  const waiting = of('e2e')
  const alike = of('unit')
  const computing = ranked.filter((file) => !waiting.includes(file) && !alike.includes(file))
  return [...mix(waiting, computing), ...alike]
}

function rankOf({ path }: Ordered): number {
  const rank = LONG.findIndex((name) => path.endsWith(`${name}.test.ts`))
  return rank === -1 ? LONG.length : rank
}

/** Both in their order, each spread evenly over all. */
function mix<File>(one: readonly File[], other: readonly File[]): readonly File[] {
  const place = (files: readonly File[]) =>
    files.map((file, index) => ({ file, at: (index + 0.5) / files.length }))
  return [...place(one), ...place(other)].toSorted((a, b) => a.at - b.at).map(({ file }) => file)
}

/** Orders the files of a run; those of a kind as vitest does, by how long they took before. */
export class TestOrder extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(specifications)
    const files = sorted.map((specification) => ({
      specification,
      kind: specification.project.name,
      path: specification.moduleId,
    }))
    return orderFiles(files).map(({ specification }) => specification)
  }
}
