import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { version } from '../packages/core/src/internal/version.ts'
import { publishedPackages } from '../tools/pack.ts'
import { root } from '../tools/repository.ts'

test('all packages have one version, and core says it too', () => {
  expect(new Set(publishedPackages().map((each) => each.version))).toEqual(new Set([version]))
})

test('the lock file names no registry, so that it installs from any mirror', () => {
  const lock = readFileSync(`${root}package-lock.json`, 'utf8')
  expect(lock.match(/"resolved": ".*:\/\/.*"/g)).toBeNull()
})

test('tools are pinned: a newer one may be missing a platform, and npm ci then refuses', () => {
  const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const loose = Object.entries(devDependencies).filter(([, range]) => !/^\d/.test(range))
  expect(loose).toEqual([])
})
