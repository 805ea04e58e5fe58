import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Translate } from '../texts/texts.ts'
import { formatBytes } from '../output/units.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** Below this an append may fail at any moment. */
const DISK_FAIL_BYTES = 20_000_000
/** Below this a person should hear of it. */
const DISK_WARN_BYTES = 1_000_000_000
/** A WAL this large means that something keeps it from being written back: a reader that never ends. */
const WAL_WARN_BYTES = 256_000_000

/** The file of a store, the folder that it is in, and the disk below. */
export function checkFile(file: string, t: Translate): readonly Finding[] {
  return [checkSize(file, t), checkWal(file, t), checkRights(file, t), checkDisk(file, t)]
}

function checkSize(file: string, t: Translate): Finding {
  return ok('file', t('doctor.file', { file, size: formatBytes(statSync(file).size) }))
}

function checkWal(file: string, t: Translate): Finding {
  const size = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const text = t('doctor.wal', { size: formatBytes(size) })
  return size > WAL_WARN_BYTES ? warn('wal', text, t('doctor.wal-todo')) : ok('wal', text)
}

function checkRights(file: string, t: Translate): Finding {
  const missing = [file, dirname(file)].filter((path) => !isWritable(path))
  if (missing.length > 0) {
    return fail(
      'rights',
      t('doctor.rights-missing', { paths: missing.join(', ') }),
      t('doctor.rights-missing-todo'),
    )
  }
  const mode = statSync(file).mode & 0o777
  const octal = mode.toString(8).padStart(3, '0')
  if ((mode & 0o002) !== 0)
    return warn(
      'rights',
      t('doctor.rights-open', { mode: octal }),
      t('doctor.rights-open-todo', { file }),
    )
  return ok('rights', t('doctor.rights', { mode: octal }))
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    // It says no by throwing: that is the answer, not a failure.
    return false
  }
}

function checkDisk(file: string, t: Translate): Finding {
  const { bavail, bsize } = statfsSync(dirname(file))
  const free = bavail * bsize
  const text = t('doctor.disk', { size: formatBytes(free) })
  if (free < DISK_FAIL_BYTES) return fail('disk', text, t('doctor.disk-todo'))
  return free < DISK_WARN_BYTES ? warn('disk', text, t('doctor.disk-todo')) : ok('disk', text)
}
