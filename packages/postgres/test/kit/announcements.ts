import { existsSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Says something to the other processes of a run, by a file in its folder: whoever finds it finds it whole. */
export function announce(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, `${name}.part`), text)
  renameSync(join(folder, `${name}.part`), join(folder, name))
}

/** @returns what is said under a name; undefined: nothing yet */
export function announced(folder: string, name: string): string | undefined {
  const file = join(folder, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/** Resolves when something is said under one of these names. @returns which, and what */
export function untilAnnounced(
  folder: string,
  ...names: readonly string[]
): Promise<readonly [name: string, text: string]> {
  return new Promise((resolve) => {
    const look = (): void => {
      for (const name of names) {
        const text = announced(folder, name)
        if (text === undefined) continue
        watcher.close()
        resolve([name, text])
      }
    }
    // First to watch, then to look: what is said in between is heard.
    const watcher = watch(folder, look)
    look()
  })
}
