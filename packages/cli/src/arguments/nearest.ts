/**
 * What a mistyped name may have meant. The contracts of the library, which know it, are 40 files: they
 * are loaded by a mistake, not by each call.
 */
export async function nearestName(
  name: string,
  known: readonly string[],
): Promise<string | undefined> {
  const { nearestNames } = await import('tidings/contract')
  return nearestNames(name, known)[0]
}
