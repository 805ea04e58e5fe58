import { userInfo } from 'node:os'

/** Who asks, and why. */
export interface Asker {
  readonly by: string
  readonly reason: string
}

/** Reads `--by` and `--because`; without a name it is the user of this machine. */
export function readAsker({
  by,
  because,
}: {
  readonly by: string | undefined
  readonly because: string | undefined
}): Asker {
  return { by: by ?? userName(), reason: because ?? '' }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number that has no name.
    return process.env['USER'] ?? String(process.getuid?.() ?? 'unknown')
  }
}
