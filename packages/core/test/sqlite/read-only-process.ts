import { sqlite } from '../../src/sqlite.ts'

/** Opens a file as a user who may not write it, and says what came of it. */
const file = process.argv[2] ?? ''
if (process.getuid?.() === 0) process.setuid?.(65_534)
const store = sqlite(file)
const report = await store.open().then(
  () => ({ code: 'opened', message: '' }),
  (error: unknown) => ({
    code: (error as { code?: string }).code,
    message: (error as Error).message,
  }),
)
process.send?.(report, () => process.disconnect())
