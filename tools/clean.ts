import { globSync, rmSync } from 'node:fs'

// dist/ and the compiler's notes about it go together: with the notes alone, tsc -b believes that
// everything is built.
for (const path of [...globSync('packages/*/dist'), '.cache']) {
  rmSync(path, { recursive: true, force: true })
}
