/** Packs what would be published and lets publint and attw judge the tarballs. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { packPackage, publishedPackages } from './pack.ts'

let faults = 0

/** Publint reads the exports, the files and what they hold. */
async function lintTarball(folder: string, tarball: string): Promise<void> {
  const { messages, pkg } = await publint({
    pack: { tarball: toArrayBuffer(readFileSync(tarball)) },
    strict: true,
  })
  for (const message of messages) {
    faults += 1
    console.error(`publint: ${folder}: ${formatMessage(message, pkg) ?? message.code}`)
  }
}

function toArrayBuffer(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer
}

/** Attw resolves each subpath as TypeScript would. Packages are ESM only; Node 24 requires ESM. */
function checkTypes(folder: string, tarball: string): void {
  const { status, stdout, stderr } = spawnSync(
    'attw',
    [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'],
    { encoding: 'utf8' },
  )
  if (status === 0) return
  faults += 1
  console.error(`attw: ${folder}:\n${stdout}${stderr}`)
}

const out = mkdtempSync(join(tmpdir(), 'tidings-pack-'))
try {
  for (const { folder, name, hasTypes } of publishedPackages()) {
    const tarball = packPackage(folder, out)
    await lintTarball(folder, tarball)
    if (hasTypes) checkTypes(folder, tarball)
    console.log(`packages: ${name} checked`)
  }
} finally {
  rmSync(out, { recursive: true })
}
process.exitCode = faults === 0 ? 0 : 1
