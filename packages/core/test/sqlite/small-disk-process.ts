import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sqlite } from '../../src/sqlite.ts'
import { append, event } from './log-fixture.ts'

/** Fills a file system of one megabyte, makes room, and goes on. In a process of its own, which unmounts. */
const folder = mkdtempSync(join(tmpdir(), 'tidings-small-disk-'))
let report: Record<string, unknown>
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' })
  try {
    report = { mounted: true, ...(await fillDisk()) }
  } finally {
    execFileSync('umount', ['--lazy', folder])
  }
} catch (error) {
  report = { mounted: false, reason: String(error) }
}
rmSync(folder, { recursive: true, force: true })
process.send?.(report, () => process.disconnect())

async function fillDisk(): Promise<Record<string, unknown>> {
  const ballast = join(folder, 'ballast')
  writeFileSync(ballast, Buffer.alloc(300_000))
  const store = sqlite(join(folder, 'log.db'))
  const big = (id: number) =>
    append(`A/${id}`, 0, event(`A/${id}`, { payload: { text: 'x'.repeat(5000) } }))
  let acknowledged = 0
  let code: unknown
  while (code === undefined) {
    try {
      await store.append([big(acknowledged)])
      acknowledged++
    } catch (error) {
      code = (error as { code?: unknown }).code
    }
  }
  const kept = (await store.readAll().toArray()).length === acknowledged
  rmSync(ballast)
  await store.append([big(acknowledged)])
  const wentOn = (await store.head()) > acknowledged
  const faults = (await Array.fromAsync(store.catalog.verify())).length
  await store.close()
  return { acknowledged, code, kept, wentOn, faults }
}
